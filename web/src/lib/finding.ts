// What scanners say about a finding, side by side: where it is, where they disagree, and what
// happened to it. Pure functions.
import type { AuditLog, Finding, FindingSource, FindingStatus, Place } from "../api/types.ts";
import { plural } from "./format.ts";
import { SEVERITIES } from "./words.ts";

/** A fact of a finding: its name, and its text. */
export type Fact = readonly [name: string, value: string];

/** Where on the asset it was seen, beside the component. */
export function placeFacts(place: Place, path: string | undefined): Fact[] {
  const facts: Fact[] = [];
  if (path) facts.push([place.line === undefined ? "Path" : "Line", place.line === undefined ? path : `${path}:${place.line}`]);
  else if (place.line !== undefined) facts.push(["Line", String(place.line)]);
  if (place.port !== undefined) facts.push(["Port", `${place.port}/${place.protocol ?? "tcp"}`]);
  if (place.url) facts.push(["Address", place.url]);
  return facts;
}

export interface Disagreement {
  about: "severity" | "fixed_version";
  /** Every value and who says it, most severe first. */
  values: { value: string; scanners: string[] }[];
}

/** A value by those who say it, in the order in which they are met. */
function bySpeaker(sources: readonly FindingSource[], of: (source: FindingSource) => string | undefined) {
  const said = new Map<string, Set<string>>();
  for (const source of sources) {
    const value = of(source);
    if (value) said.set(value, (said.get(value) ?? new Set()).add(source.scanner));
  }
  return [...said].map(([value, scanners]) => ({ value, scanners: [...scanners] }));
}

/** Where those who still see it say different things; one that says nothing disagrees with nobody. */
export function disagreements(sources: readonly FindingSource[]): Disagreement[] {
  const present = sources.filter((source) => source.present);
  const severities = bySpeaker(present, (s) => (s.severity === "unknown" ? undefined : s.severity));
  const rank = (value: string) => (SEVERITIES as readonly string[]).indexOf(value);
  const list: Disagreement[] = [
    { about: "severity", values: severities.toSorted((a, b) => rank(a.value) - rank(b.value)) },
    { about: "fixed_version", values: bySpeaker(present, (s) => s.fixed_version) },
  ];
  return list.filter(({ values }) => values.length > 1);
}

/** One thing that happened to a finding. */
export interface Happening {
  key: string;
  at: string;
  /** What, when it is not a change of status. */
  text?: string;
  actor?: string;
  change?: { from: FindingStatus; to: FindingStatus };
  reason?: string;
  importId?: number;
  decisionId?: number;
  audit?: AuditLog;
}

/** What an audit entry says beyond what the finding's own history says better. */
const IN_HISTORY = new Set([
  "status", "stage", "verdict", "decision_id", "status_reason", "history", "resolved_at", "verified_at", "reopened_at",
  "reopened_count", "updated_at", "version", "clock", "trace", "overdue", "due_by", "assigned_by", "notes_by", "stage_by",
]);

function beyondHistory(entry: AuditLog): AuditLog | undefined {
  const kept = Object.entries(entry.changes ?? {}).filter(([field]) => !IN_HISTORY.has(field));
  return kept.length === 0 ? undefined : { ...entry, changes: Object.fromEntries(kept) };
}

/** Everything that happened, newest first. */
export function happenings(finding: Finding, audit: readonly AuditLog[] = []): Happening[] {
  const list: Happening[] = [{ key: "first", at: finding.first_seen, text: "Seen for the first time" }];
  const [first, ...others] = finding.sources.toSorted((a, b) => Date.parse(a.first_seen) - Date.parse(b.first_seen));
  if (first) list[0] = { key: "first", at: finding.first_seen, text: `Seen for the first time, by ${first.scanner}` };
  for (const [i, s] of others.entries()) {
    list.push({ key: `source:${i}`, at: s.first_seen, text: `Reported by ${s.scanner}, too` });
  }
  for (const [i, t] of finding.history.entries()) {
    list.push({
      key: `status:${i}`,
      at: t.at,
      actor: t.actor,
      change: { from: t.from, to: t.to },
      ...(t.reason !== undefined && { reason: t.reason }),
      ...(t.import_id !== undefined && { importId: t.import_id }),
      ...(t.decision_id !== undefined && { decisionId: t.decision_id }),
    });
  }
  for (const entry of audit) {
    const rest = beyondHistory(entry);
    if (rest) list.push({ key: `audit:${entry.id}`, at: entry.created_at, actor: entry.actor, text: "changed it", audit: rest });
  }
  list.push({ key: "last", at: finding.last_seen, text: "Seen most recently", importId: finding.last_import_id });
  // Newest first; what happened at the same moment stays in its order, turned round.
  return list.toReversed().toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** `seen by 3 scanners`, and how many of them no longer do. */
export function seenBy(sources: readonly FindingSource[]): string {
  const all = new Set(sources.map((s) => s.scanner)).size;
  const present = new Set(sources.filter((s) => s.present).map((s) => s.scanner)).size;
  if (present === 0) return `no longer seen by ${plural(all, "scanner")}`;
  return present === all ? `seen by ${plural(all, "scanner")}` : `seen by ${present} of ${plural(all, "scanner")}`;
}
