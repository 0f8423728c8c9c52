// The API's vocabulary in the order people read it, with the labels shown. Filters, facets,
// badges and forms all take their lists from here.
import type { FindingStatus, Role, Severity } from "../api/types.ts";

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
  "under_investigation",
  "fixed",
  "risk_accepted",
  "false_positive",
  "not_affected",
];

export const STATUS_LABEL: Record<FindingStatus, string> = {
  open: "Open",
  under_investigation: "Investigating",
  fixed: "Fixed",
  risk_accepted: "Risk accepted",
  false_positive: "False positive",
  not_affected: "Not affected",
};

/** The statuses that still need work: what "open" means in counts and links. */
export const OPEN_STATUSES: readonly FindingStatus[] = ["open", "under_investigation"];

/** Decisions that nobody can check later without knowing why. */
export const NEEDS_REASON: readonly FindingStatus[] = ["risk_accepted", "false_positive", "not_affected"];

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
