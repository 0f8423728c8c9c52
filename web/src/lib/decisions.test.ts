import { describe, expect, it } from "vitest";
import { queryString } from "../api/client.ts";
import type { Decision, Finding } from "../api/types.ts";
import {
  alsoDecided, changes, dayAhead, decisionQuery, draftOf, endsSoon, missing, NEW_DRAFT, newDecision, parseDecisionFilters, previewable,
  previewWords, reach, saidWords,
} from "./decisions.ts";

const finding = { id: 7, asset_id: 3, asset: "web-1", cve_id: "CVE-2024-6387", component: { name: "openssh" } } as Finding;
const decision = (more: Partial<Decision>): Decision =>
  ({ kind: "risk_accepted", scope: "finding", state: "active", vulnerability: "CVE-2024-6387", author: "jo", ...more }) as Decision;
const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("a new decision", () => {
  const draft = { ...NEW_DRAFT, reason: " Behind the VPN. ", vulnerability: "CVE-2024-6387", asset: "3", tag: "env=test", package: "deb openssh" };

  it("is about the finding, the asset, a tag or everything, and only that", () => {
    const about = (scope: Decision["scope"]) => newDecision({ ...draft, scope }, 7);
    const common = { kind: "risk_accepted", reason: "Behind the VPN." };
    const wide = { ...common, vulnerability: "CVE-2024-6387", package: "deb openssh" };
    expect(about("finding")).toEqual({ ...common, finding_id: 7 });
    expect(about("asset")).toEqual({ ...wide, asset: "3" });
    expect(about("tag")).toEqual({ ...wide, tag: "env=test" });
    expect(about("fleet")).toEqual(wide);
    expect(newDecision({ ...draft, scope: "fleet", package: " linux " }, 7).package).toBe(" linux");
    expect(newDecision({ ...draft, scope: "fleet", package: " " }, 7)).not.toHaveProperty("package");
  });

  it("carries only what belongs to its kind", () => {
    const full = {
      ...draft, expires: "2026-08-12", control: "VPN", justification: "component_not_present" as const, assignee: " zoe ", due: "2026-09-01", note: "Ask Jo.",
    };
    const of = (kind: Decision["kind"]) => newDecision({ ...full, kind }, 7);
    const common = { finding_id: 7, expires_at: "2026-08-12T23:59:59Z" };
    const reason = "Behind the VPN.";
    expect(of("risk_accepted")).toEqual({ ...common, kind: "risk_accepted", reason, compensating_control: "VPN" });
    expect(of("not_affected")).toEqual({ ...common, kind: "not_affected", reason, justification: "component_not_present" });
    expect(of("assignment")).toEqual({ ...common, kind: "assignment", reason, assigned_to: "zoe" });
    expect(of("due_date")).toEqual({ ...common, kind: "due_date", reason, due_at: "2026-09-01T23:59:59Z" });
    expect(of("note")).toEqual({ ...common, kind: "note", note: "Ask Jo." });
  });

  it("says what is missing", () => {
    const blank = { ...NEW_DRAFT, scope: "tag" as const };
    expect(missing(NEW_DRAFT)).toBe("Give a reason first.");
    expect(missing(blank)).toBe("Name the vulnerability first.");
    expect(missing({ ...blank, scope: "asset", vulnerability: "CVE-1" })).toBe("Name the asset first.");
    for (const tag of ["", "env", "env=", "=x"]) expect(missing({ ...draft, scope: "tag", tag })).toBe("Choose a tag first.");
    expect(missing(draft)).toBeUndefined();
    expect(missing({ ...draft, kind: "assignment" })).toBe("Say who first.");
    expect(missing({ ...draft, kind: "due_date" })).toBe("Say by when first.");
    expect(missing({ ...draft, kind: "note" })).toBe("Write the note first.");
  });

  it("can be previewed before everything is typed", () => {
    const ahead = (kind: Decision["kind"], more = {}) => previewable(newDecision({ ...NEW_DRAFT, kind, ...more }, 7), NOW);
    expect(ahead("false_positive").reason).toBe("preview");
    expect(ahead("assignment").assigned_to).toBe("preview");
    expect(ahead("assignment", { assignee: "zoe" }).assigned_to).toBe("zoe");
    expect(ahead("due_date").due_at).toBe("2026-03-02T23:59:59Z");
    expect(ahead("note").note).toBe("preview");
  });
});

it("says in a line what was decided", () => {
  expect(saidWords(decision({ reason: "why" }))).toBe("why");
  expect(saidWords(decision({ kind: "assignment", assigned_to: "zoe", reason: "knows it" }))).toBe("To zoe: knows it");
  expect(saidWords(decision({ kind: "due_date", due_at: "2026-09-01T12:00:00Z" }))).toBe("By 2026-09-01");
  expect(saidWords(decision({ kind: "note", note: "Ask Jo." }))).toBe("Ask Jo.");
});

it("knows which decisions a finding follows beside the verdict", () => {
  const by = (kind: string, id?: number) => ({ kind, id, name: "jo" }) as Finding["assigned_by"];
  const followed = { ...finding, assigned_to: "zoe", assigned_by: by("decision", 4), due_at: "2026-09-01T12:00:00Z", due_by: by("sla", 1), notes_by: by("decision", 5) };
  expect(alsoDecided(followed as Finding)).toEqual([{ id: 4, words: "Assigned to zoe" }, { id: 5, words: "Note" }]);
});

describe("a changed decision", () => {
  const stored = decision({ reason: "Why", expires_at: "2026-08-12T23:59:59Z", compensating_control: "VPN" });

  it("sends what changed, and null for what was emptied", () => {
    expect(changes(stored, draftOf(stored))).toEqual({});
    expect(changes(stored, { ...draftOf(stored), expires: "2027-01-31" })).toEqual({ expires_at: "2027-01-31T23:59:59Z" });
    expect(changes(stored, { ...draftOf(stored), expires: "", control: " " })).toEqual({ expires_at: null, compensating_control: null });
  });
});

it("says how far a decision reaches", () => {
  expect(reach(decision({ package: "deb openssh", asset: "web-1" }))).toBe("openssh on web-1");
  expect(reach(decision({ package: " Widget", asset: "web-1", location: "443/tcp\u001ehttps://x/" }))).toBe("Widget on web-1 at 443/tcp https://x/");
  expect(reach(decision({ scope: "tag", tag: "env=test" }))).toBe("any package on assets with env=test");
  expect(reach(decision({ scope: "fleet", package: "npm lodash", package_version: "4.0.0" }))).toBe("lodash 4.0.0 on every asset");
});

it("says what a preview found", () => {
  expect(previewWords(214, 214)).toBe("Matches 214 findings.");
  expect(previewWords(214, 1)).toBe("Matches 214 findings, 1 of them changes.");
  expect(previewWords(3, 0)).toBe("Matches 3 findings; none of them changes.");
  expect(previewWords(0, 0)).toContain("later");
});

it("tells what ends soon", () => {
  expect(dayAhead(30, NOW)).toBe("2026-03-31");
  expect(endsSoon(decision({ expires_at: "2026-03-31T23:59:59Z" }), NOW)).toBe(true);
  expect(endsSoon(decision({ expires_at: "2026-04-01T00:00:00Z" }), NOW)).toBe(false);
  expect(endsSoon(decision({ expires_at: "2026-03-02T00:00:00Z", state: "revoked" }), NOW)).toBe(false);
  expect(endsSoon(decision({}), NOW)).toBe(false);
});

describe("the list of decisions", () => {
  const asked = (address: string) => queryString(decisionQuery(parseDecisionFilters(new URLSearchParams(address)), NOW));

  it("starts with those in force", () => {
    expect(asked("")).toBe("state=active");
    expect(asked("state=all")).toBe("");
  });

  it("asks with the API's names", () => {
    expect(asked("state=revoked&kind=note&scope=fleet&author=a,b")).toBe("state=revoked&kind=note&scope=fleet&author=a%5C,b");
    expect(asked("ends=soon")).toBe("state=active&expires_at=..2026-03-31T23:59:59Z");
    expect(asked("ends=ever")).toBe("state=active&expires_at=1970-01-01T00:00:00Z..");
  });
});
