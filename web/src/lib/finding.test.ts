import { describe, expect, it } from "vitest";
import type { AuditLog, Finding, FindingSource } from "../api/types.ts";
import { disagreements, happenings, placeFacts, seenBy } from "./finding.ts";

const source = (scanner: string, more: Partial<FindingSource> = {}): FindingSource => ({
  scanner,
  scan: "os_packages",
  severity: "high",
  first_seen: "2026-01-01T00:00:00Z",
  last_seen: "2026-01-05T00:00:00Z",
  import_id: 1,
  present: true,
  ...more,
});

it("says where it was seen", () => {
  expect(placeFacts({}, undefined)).toEqual([]);
  expect(placeFacts({ line: 42 }, "src/app.py")).toEqual([["Line", "src/app.py:42"]]);
  expect(placeFacts({ port: 443, url: "https://x/" }, "/usr/sbin/nginx")).toEqual([
    ["Path", "/usr/sbin/nginx"],
    ["Port", "443/tcp"],
    ["Address", "https://x/"],
  ]);
});

describe("disagreements", () => {
  it("are between those who still see it", () => {
    expect(disagreements([source("trivy"), source("grype")])).toEqual([]);
    expect(disagreements([source("trivy"), source("grype", { severity: "low", present: false })])).toEqual([]);
    expect(disagreements([source("trivy"), source("grype", { severity: "unknown" })])).toEqual([]);
  });

  it("name who says what, the most severe first", () => {
    const said = [source("trivy", { severity: "low", fixed_version: "2" }), source("grype", { severity: "critical", fixed_version: "3" }), source("osv", { severity: "low" })];
    expect(disagreements(said)).toEqual([
      { about: "severity", values: [{ value: "critical", scanners: ["grype"] }, { value: "low", scanners: ["trivy", "osv"] }] },
      { about: "fixed_version", values: [{ value: "2", scanners: ["trivy"] }, { value: "3", scanners: ["grype"] }] },
    ]);
  });
});

it("counts scanners, not sources", () => {
  expect(seenBy([source("trivy"), source("trivy", { scan: "libraries" })])).toBe("seen by 1 scanner");
  expect(seenBy([source("trivy"), source("grype", { present: false })])).toBe("seen by 1 of 2 scanners");
  expect(seenBy([source("trivy", { present: false })])).toBe("no longer seen by 1 scanner");
});

describe("the history", () => {
  const finding = {
    first_seen: "2026-01-01T00:00:00Z",
    last_seen: "2026-01-05T00:00:00Z",
    last_import_id: 9,
    sources: [source("grype", { first_seen: "2026-01-02T00:00:00Z" }), source("trivy")],
    history: [{ at: "2026-01-03T00:00:00Z", actor: "jo", from: "open", to: "risk_accepted", reason: "VPN", decision_id: 4 }],
  } as Finding;

  it("is told newest first, with who, why and from where", () => {
    expect(happenings(finding).map((h) => h.text ?? `${h.actor}: ${h.change?.from} → ${h.change?.to}, ${h.reason}, ${h.decisionId}`)).toEqual([
      "Seen most recently",
      "jo: open → risk_accepted, VPN, 4",
      "Reported by grype, too",
      "Seen for the first time, by trivy",
    ]);
  });

  it("takes from the audit log only what it does not know itself", () => {
    const entry = (id: number, changes: AuditLog["changes"]) => ({ id, created_at: "2026-01-04T00:00:00Z", actor: "jo", action: "findings.update", changes }) as AuditLog;
    const told = happenings(finding, [
      entry(1, { status: { old: "open", new: "triaged" }, history: { old: [], new: [] } } as AuditLog["changes"]),
      entry(2, { status: { old: "open", new: "triaged" }, notes: { new: "n" } } as AuditLog["changes"]),
    ]);
    expect(told.filter((h) => h.audit).map((h) => [h.key, Object.keys(h.audit?.changes ?? {})])).toEqual([["audit:2", ["notes"]]]);
  });
});
