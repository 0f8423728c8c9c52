import { describe, expect, it } from "vitest";
import { queryString } from "../api/client.ts";
import type { Decision, Finding } from "../api/types.ts";
import {
  changes, dayAhead, decisionQuery, draftOf, endsSoon, missing, NEW_DRAFT, newDecision, parseDecisionFilters, previewWords, reach,
} from "./decisions.ts";

const finding = { id: 7, asset_id: 3, asset: "web-1", cve_id: "CVE-2024-6387", component: { name: "openssh" } } as Finding;
const decision = (more: Partial<Decision>): Decision =>
  ({ kind: "risk_accepted", scope: "finding", state: "active", vulnerability: "CVE-2024-6387", author: "jo", ...more }) as Decision;
const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("a new decision", () => {
  const draft = { ...NEW_DRAFT, reason: " Behind the VPN. ", tag: "env=test" };

  it("is about the finding, the asset, a tag or everything, and only that", () => {
    const about = (scope: Decision["scope"]) => newDecision({ ...draft, scope }, finding, "deb openssh");
    const common = { kind: "risk_accepted", reason: "Behind the VPN." };
    const wide = { ...common, vulnerability: "CVE-2024-6387", package: "deb openssh" };
    expect(about("finding")).toEqual({ ...common, finding_id: 7 });
    expect(about("asset")).toEqual({ ...wide, asset: "3" });
    expect(about("tag")).toEqual({ ...wide, tag: "env=test" });
    expect(about("fleet")).toEqual(wide);
    expect(newDecision({ ...draft, scope: "fleet", onlyPackage: false }, finding, "deb openssh")).not.toHaveProperty("package");
  });

  it("carries only what belongs to its kind", () => {
    const full = { ...draft, expires: "2026-08-12", control: "VPN", justification: "component_not_present" as const };
    expect(newDecision(full, finding, undefined)).toMatchObject({ expires_at: "2026-08-12T23:59:59Z", compensating_control: "VPN" });
    expect(newDecision(full, finding, undefined)).not.toHaveProperty("justification");
    const not = newDecision({ ...full, kind: "not_affected" }, finding, undefined);
    expect(not).toMatchObject({ justification: "component_not_present" });
    expect(not).not.toHaveProperty("compensating_control");
  });

  it("says what is missing", () => {
    expect(missing(NEW_DRAFT)).toBe("Give a reason first.");
    expect(missing({ ...draft, scope: "tag", tag: "" })).toBe("Choose a tag first.");
    expect(missing(draft)).toBeUndefined();
  });
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
