import { describe, expect, it } from "vitest";
import {
  actionWords, conditionWords, draftOfMatcher, draftOfRule, dueWords, matcherOf, missingInRule, missingInSla, NEW_MATCHER, originLink,
  originWords, draftOfSla, ruleOf, saysWhich, slaOf, traceWords,
} from "./policies.ts";

describe("conditions", () => {
  const draft = {
    ...NEW_MATCHER,
    severity: ["critical" as const, "high" as const],
    package: "openssl*, libssl ",
    tag: "team=web",
    kev: "true" as const,
    epss_min: "0.5",
  };

  it("go from the form to the API and back", () => {
    const matcher = matcherOf(draft);
    expect(matcher.package).toEqual(["openssl*", "libssl"]);
    expect(matcher).toMatchObject({ all: false, kev: true, epss_min: 0.5, tag: ["team=web"], owner: [] });
    expect(matcher).not.toHaveProperty("fix_available");
    expect(matcherOf(draftOfMatcher(matcher))).toEqual(matcher);
  });

  it("are told in words", () => {
    expect(conditionWords(matcherOf(draft))).toEqual([
      "Critical or High", "Package is openssl* or libssl", "Known exploited", "EPSS from 0.5", "Tag team=web",
    ]);
    expect(conditionWords(matcherOf({ ...draft, all: true }))).toEqual(["Every finding"]);
  });

  it("must be given, or all said", () => {
    expect(saysWhich(NEW_MATCHER)).toBe(false);
    expect(saysWhich({ ...NEW_MATCHER, package: " , " })).toBe(false);
    expect(saysWhich({ ...NEW_MATCHER, all: true })).toBe(true);
  });
});

describe("rules and policies", () => {
  it("leave out what is empty", () => {
    const draft = { ...draftOfRule(undefined), name: " x ", dueDays: "7", matcher: { ...NEW_MATCHER, all: true } };
    expect(ruleOf(draft)).toMatchObject({ name: "x", enabled: true, actions: { triage: false, due_days: 7 }, stop: false });
    expect(ruleOf(draft)).not.toHaveProperty("description");
    expect(actionWords({ actions: ruleOf(draft).actions, stop: true })).toEqual(["Due in 7 days", "No later rule"]);
  });

  it("say what is missing", () => {
    const rule = draftOfRule(undefined);
    expect(missingInRule(rule)).toMatch("which findings");
    expect(missingInRule({ ...rule, matcher: { ...NEW_MATCHER, all: true } })).toMatch("what it does");
    const sla = draftOfSla(undefined);
    expect(missingInSla({ ...sla, matcher: { ...NEW_MATCHER, kev: "true" } })).toMatch("days");
    expect(slaOf({ ...sla, days: "14" })).toMatchObject({ days: 14, on_reopen: "restart", while_accepted: "pause" });
  });
});

describe("what they did", () => {
  it("is told with its origin", () => {
    const by = { kind: "sla" as const, id: 3, name: "High" };
    expect(originWords(by)).toBe("by the SLA policy High");
    expect(originLink(by)).toBe("/settings/sla");
    expect(originLink({ kind: "person", name: "eve" })).toBeUndefined();
    const at = "2026-08-12T12:00:00Z";
    expect(traceWords({ at, by, thing: "due_at", value: at })).toBe("Due date 2026-08-12");
    expect(traceWords({ at, by, thing: "assigned_to" })).toBe("Assignee taken back");
    expect(dueWords({ due_at: at, overdue: true })).toBe("Overdue since 2026-08-12");
    expect(dueWords({ overdue: false })).toBe("");
  });
});
