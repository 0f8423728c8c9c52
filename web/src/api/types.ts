// The API's shapes, written by hand from the contract. When the server's OpenAPI document is
// at hand (`npm run gen`), each of these becomes an alias of `components["schemas"][…]`; no
// other file names a shape of the API.

/** RFC 3339 time in UTC. */
export type Time = string;
export type Severity = "critical" | "high" | "medium" | "low" | "info" | "unknown";
export type FindingStatus =
  | "open"
  | "under_investigation"
  | "fixed"
  | "false_positive"
  | "risk_accepted"
  | "not_affected";
export type Role = "viewer" | "operator" | "admin";

/** What every stored record carries; `version` is its ETag. */
export interface Head {
  id: number;
  version: number;
  created_at: Time;
  updated_at: Time;
}

export interface User extends Head {
  username: string;
  full_name?: string;
  email?: string;
  role: Role;
  is_active: boolean;
  last_login_at?: Time;
  locked_until?: Time;
}

export interface Session {
  user: User;
  csrf_token?: string;
  expires_at?: Time;
  via: "session" | "token" | "cli";
}

export interface Page<T> {
  items: T[];
  total_count: number;
  page: number;
  page_size: number;
  total_pages: number;
  next_cursor?: string;
}

export interface Facets {
  total_count: number;
  facets: Record<string, { value: string | number | boolean; count: number }[]>;
}

export interface Component {
  name: string;
  version?: string;
  purl?: string;
  ecosystem?: string;
  type?: string;
  source_package?: string;
  path?: string;
  layer?: string;
}

export interface FindingSource {
  scanner: string;
  scanner_version?: string;
  status?: string;
  severity?: Severity;
  first_seen: Time;
  last_seen: Time;
  import_id?: number;
}

export interface Finding extends Head {
  asset_id: number;
  asset: string;
  vulnerability_id: number;
  cve_id: string;
  title: string;
  severity: Severity;
  status: FindingStatus;
  component: Component;
  fixed_version?: string;
  fix_available: boolean;
  priority_score: number;
  cvss_score?: number;
  epss_score?: number;
  kev: boolean;
  first_seen: Time;
  last_seen: Time;
  resolved_at?: Time;
  reopened_at?: Time;
  reopened_count: number;
  due_at?: Time;
  assigned_to?: string;
  notes?: string;
  status_reason?: string;
  sources: FindingSource[];
  last_import_id?: number;
}

/** A merge patch: `null` removes the field. */
export interface FindingPatch {
  status?: FindingStatus;
  status_reason?: string | null;
  assigned_to?: string | null;
  due_at?: Time | null;
  notes?: string | null;
}

export interface Cvss {
  source: string;
  version: string;
  vector?: string;
  score?: number;
}

export interface Vulnerability extends Head {
  cve_id: string;
  aliases: string[];
  title: string;
  description?: string;
  severity: Severity;
  status: string;
  cvss_score?: number;
  cvss_vector?: string;
  cvss_version?: string;
  cvss: Cvss[];
  epss_score?: number;
  epss_percentile?: number;
  kev: boolean;
  exploit_available: boolean;
  cwe_ids: string[];
  references: string[];
  published_at?: Time;
  modified_at?: Time;
  affected_package?: string;
  vulnerable_version?: string;
  fixed_version?: string;
  priority_score: number;
  notes?: string;
  assigned_to?: string;
  tags: string[];
  discovered_at: Time;
  remediated_at?: Time;
  source: string;
  open_findings: number;
  total_findings: number;
}

/** Numbers by severity, and their sum. */
export type SeverityCounts = Record<Severity | "total", number>;

export interface Asset extends Head {
  asset_id: string;
  name: string;
  type: string;
  hostname?: string;
  ip_address?: string;
  mac_address?: string;
  os_type?: string;
  os_version?: string;
  os_architecture?: string;
  environment: string;
  criticality: number;
  exposure: string;
  owner?: string;
  location?: string;
  description?: string;
  tags: Record<string, string>;
  is_active: boolean;
  last_seen?: Time;
  last_scanned?: Time;
  open_findings: SeverityCounts;
  risk_score: number;
}

export interface Import extends Head {
  filename?: string;
  format: string;
  scanner?: string;
  scanner_version?: string;
  asset?: string;
  status: "pending" | "running" | "completed" | "failed";
  job_id?: number;
  bytes: number;
  bytes_done: number;
  records_done: number;
  assets: number;
  vulnerabilities: number;
  findings: number;
  new: number;
  seen: number;
  reopened: number;
  closed: number;
  skipped: number;
  skipped_reasons?: Record<string, number>;
  warnings?: string[];
  error?: { code: string; detail: string };
  created_by: string;
  started_at?: Time;
  finished_at?: Time;
  report_created_at?: Time;
}

export interface ApiToken extends Head {
  name: string;
  prefix: string;
  role: Role;
  user_id: number;
  username: string;
  expires_at?: Time;
  last_used_at?: Time;
  revoked_at?: Time;
}

/** The answer to creating a token: the only time the secret is told. */
export interface NewApiToken extends ApiToken {
  token: string;
}

export interface AuditLog {
  id: number;
  created_at: Time;
  action: string;
  actor_type: "user" | "token" | "system" | "cli";
  actor_id?: number;
  actor: string;
  resource_type?: string;
  resource_id?: string | number;
  resource?: string;
  success: boolean;
  ip_address?: string;
  request_id?: string;
  changes?: Record<string, { old?: unknown; new?: unknown }>;
  detail?: string;
  hash: string;
}

export interface TrendDay {
  /** `YYYY-MM-DD`, UTC. */
  date: string;
  opened: number;
  closed: number;
  /** Open at the end of the day. */
  open: number;
}

export interface Stats {
  findings: {
    open: SeverityCounts;
    fixable: number;
    kev: number;
    fixed: number;
    accepted: number;
    false_positive: number;
    total: number;
  };
  assets: { total: number; active: number };
  vulnerabilities: { total: number; open: number };
  imports: { total: number; latest?: Import };
  top: Finding[];
  trend: TrendDay[];
}

export interface BulkResult {
  matched: number;
  changed: number;
  unchanged: number;
  failed: number;
  results: { id: number; outcome: "changed" | "unchanged" | "failed"; detail?: string }[];
}

export interface Health {
  status: string;
  version: string;
}
