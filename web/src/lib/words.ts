// The API's vocabulary in the order people read it, with the labels shown. Filters, facets,
// badges and forms all take their lists from here.
import type { FindingStatus, ImportStatus, Role, Severity, Stage, Verdict } from "../api/types.ts";

export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info", "unknown"];

export const SEVERITY_LABEL: Record<Severity, string> = {
  critical: "Critical",
  high: "High",
  medium: "Medium",
  low: "Low",
  info: "Info",
  unknown: "Unknown",
};

/** A severity's colour in both themes, for `style:`; the colours themselves are in tokens.css. */
export function severityColor(severity: Severity): string {
  return `var(--sev-${severity})`;
}

export const STATUSES: readonly FindingStatus[] = [
  "open",
  "triaged",
  "in_remediation",
  "pending_restart",
  "fixed",
  "verified",
  "risk_accepted",
  "false_positive",
  "not_affected",
];

export const STATUS_LABEL: Record<FindingStatus, string> = {
  open: "Open",
  triaged: "Triaged",
  in_remediation: "In remediation",
  pending_restart: "Pending restart",
  fixed: "Fixed",
  verified: "Verified",
  risk_accepted: "Risk accepted",
  false_positive: "False positive",
  not_affected: "Not affected",
};

/** How far the work on a finding is: the statuses that count as open, which people may set. */
export const STAGES: readonly Stage[] = ["open", "triaged", "in_remediation", "pending_restart"];

/** What is decided instead of fixing. Nobody can check it later without knowing why. */
export const VERDICTS: readonly Verdict[] = ["risk_accepted", "false_positive", "not_affected"];

export function isVerdict(word: string): word is Verdict {
  return (VERDICTS as readonly string[]).includes(word);
}

/** The condition for findings that need work, in an address: what "open" means in counts and links. */
export const IS_OPEN = "is_open=true";

export const IMPORT_STATUS_LABEL: Record<ImportStatus, string> = {
  pending: "Waiting",
  running: "Running",
  completed: "Completed",
  quarantined: "Held back",
  discarded: "Closing discarded",
  failed: "Failed",
};

const ROLE_RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };
export const ROLES: readonly Role[] = ["viewer", "operator", "admin"];
export const ROLE_LABEL: Record<Role, string> = { viewer: "Viewer", operator: "Operator", admin: "Administrator" };

export function roleAtLeast(role: Role | undefined, wanted: Role): boolean {
  return role !== undefined && ROLE_RANK[role] >= ROLE_RANK[wanted];
}

/** `virtual_machine` → `Virtual machine`, for words that have no label of their own. */
export function humanise(word: string): string {
  const spaced = word.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
