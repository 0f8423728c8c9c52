// The API's vocabulary in the order people read it, with the labels shown. Filters, facets,
// badges and forms all take their lists from here.
import type {
  DecisionKind, DecisionScope, DecisionState, FindingStatus, IdentifierKind, ImportStatus, Justification, MappedField, Role, ScanKind,
  Severity, Stage, Verdict,
} from "../api/types.ts";

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

export const DECISION_KINDS: readonly DecisionKind[] = ["risk_accepted", "false_positive", "not_affected", "assignment", "due_date", "note"];

export const DECISION_KIND_LABEL: Record<DecisionKind, string> = {
  risk_accepted: "Risk accepted",
  false_positive: "False positive",
  not_affected: "Not affected",
  assignment: "Assignment",
  due_date: "Due date",
  note: "Note",
};

/** From the narrowest to the widest; the narrower wins. */
export const DECISION_SCOPES: readonly DecisionScope[] = ["finding", "asset", "tag", "fleet"];

export const DECISION_SCOPE_LABEL: Record<DecisionScope, string> = {
  finding: "One finding",
  asset: "One asset",
  tag: "Assets with a tag",
  fleet: "Every asset",
};

export const DECISION_STATES: readonly DecisionState[] = ["active", "expired", "revoked"];

export const DECISION_STATE_LABEL: Record<DecisionState, string> = { active: "In force", expired: "Expired", revoked: "Revoked" };

/** Why something is not affected, in the five words that VEX has for it. */
export const JUSTIFICATION_LABEL: Record<Justification, string> = {
  component_not_present: "The component is not there",
  vulnerable_code_not_present: "The vulnerable code is not in the component",
  vulnerable_code_not_in_execute_path: "The vulnerable code is never run",
  vulnerable_code_cannot_be_controlled_by_adversary: "An attacker cannot reach or control it",
  inline_mitigations_already_exist: "Something else prevents the exploit",
};

export const SCAN_LABEL: Record<ScanKind, string> = {
  os_packages: "OS packages",
  libraries: "Libraries",
  network: "Network",
  web: "Web",
  code: "Code",
  other: "Other",
};

export const IDENTIFIER_LABEL: Record<IdentifierKind, string> = {
  name: "Name",
  instance_id: "Instance id",
  agent_id: "Agent id",
  system_uuid: "System UUID",
  image_digest: "Image digest",
  image_tag: "Image tag",
  fqdn: "Domain name",
  hostname: "Host name",
  mac: "MAC address",
  ip: "IP address",
  repository: "Repository",
  purl: "Package URL",
  url: "Web address",
};

/** What a column may mean, in the order in which people look for it. */
export const MAPPED_FIELDS: readonly MappedField[] = [
  "ignore", "id", "title", "severity", "cvss", "asset", "hostname", "ip_address", "component", "version", "fixed_version",
  "purl", "ecosystem", "path", "line", "description", "impact", "solution", "references", "cwe", "epss", "kev", "exploit",
  "published", "mac_address", "os", "port", "protocol", "service", "url", "evidence", "check", "status", "first_seen",
  "active", "false_positive", "duplicate", "resolved",
];

export const IMPORT_STATUS_LABEL: Record<ImportStatus, string> = {
  pending: "Waiting",
  running: "Running",
  completed: "Completed",
  quarantined: "Held back",
  discarded: "Closing discarded",
  accepting: "Being accepted",
  reverting: "Being reverted",
  reverted: "Reverted",
  failed: "Failed",
};

/** Whether something is still being done with an import. */
export function isGoingOn(status: ImportStatus): boolean {
  return ["pending", "running", "accepting", "reverting"].includes(status);
}

/** Whether what a report says has been taken over, even if it was kept from closing anything. */
export function isApplied(status: ImportStatus): boolean {
  return ["completed", "quarantined", "accepting", "discarded"].includes(status);
}

/** What can be imported, in a few words; the server recognises more than anyone wants to read. */
export const REPORTS =
  "Reports of Trivy, Grype, OSV-Scanner, Nessus, OpenVAS, Qualys, Nuclei, Nmap, Wazuh and others; SARIF, CycloneDX, SPDX, CSAF, OpenVEX, CSV";

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
