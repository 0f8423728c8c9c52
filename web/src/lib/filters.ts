// Findings' filters <-> address <-> API query. The address uses the API's own names, so that
// what is in the address bar is what is asked of the server. Pure functions, no state.
import type { Query } from "../api/client.ts";
import type { FindingStatus, Severity } from "../api/types.ts";
import { SEVERITIES, SEVERITY_LABEL, STATUSES, STATUS_LABEL } from "./words.ts";

export interface Range {
  min?: number;
  max?: number;
}

export interface FindingFilters {
  severity: Severity[];
  status: FindingStatus[];
  is_open: boolean | undefined;
  search: string;
  fix_available: boolean | undefined;
  kev: boolean | undefined;
  overdue: boolean | undefined;
  asset: string;
  asset_id: string;
  cve_id: string;
  vulnerability_id: string;
  component: string;
  ecosystem: string[];
  scanner: string[];
  decision_id: string;
  rule_id: string;
  sla_policy_id: string;
  assigned_to: string;
  priority: Range;
  sort: string;
  page: number;
  page_size: number;
}

export const DEFAULT_SORT = "-priority_score";
export const DEFAULT_PAGE_SIZE = 100;
export const PAGE_SIZES = [50, 100, 250, 1000] as const;
export const SORTABLE = ["priority_score", "severity", "component", "cve_id", "first_seen", "last_seen", "due_at", "id"] as const;

export const NO_FILTERS: FindingFilters = {
  severity: [],
  status: [],
  is_open: undefined,
  search: "",
  fix_available: undefined,
  kev: undefined,
  overdue: undefined,
  asset: "",
  asset_id: "",
  cve_id: "",
  vulnerability_id: "",
  component: "",
  ecosystem: [],
  scanner: [],
  decision_id: "",
  rule_id: "",
  sla_policy_id: "",
  assigned_to: "",
  priority: {},
  sort: DEFAULT_SORT,
  page: 1,
  page_size: DEFAULT_PAGE_SIZE,
};

/** `70..`, `..50`, `20..40` or `70`; what is not a number is left out. */
export function parseRange(text: string): Range {
  const [from, to] = text.includes("..") ? text.split("..", 2) : [text, text];
  const range: Range = {};
  const min = from?.trim() ? Number(from) : Number.NaN;
  const max = to?.trim() ? Number(to) : Number.NaN;
  if (Number.isFinite(min)) range.min = min;
  if (Number.isFinite(max)) range.max = max;
  return range;
}

export function formatRange(range: Range): string {
  if (range.min === undefined && range.max === undefined) return "";
  return `${range.min ?? ""}..${range.max ?? ""}`;
}

/** Comma-separated and repeated values are the same; unknown words are dropped. */
function words<T extends string>(params: URLSearchParams, name: string, known?: readonly T[]): T[] {
  const all = params.getAll(name).flatMap((value) => value.split(",")) as T[];
  const wanted = [...new Set(all.map((word) => word.trim() as T).filter(Boolean))];
  return known ? known.filter((word) => wanted.includes(word)) : wanted;
}

function flag(params: URLSearchParams, name: string): boolean | undefined {
  const value = params.get(name);
  return value === "true" ? true : value === "false" ? false : undefined;
}

function positive(text: string | null, fallback: number, max: number): number {
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 ? Math.min(value, max) : fallback;
}

function sortOf(text: string | null): string {
  const name = (text ?? "").replace(/^-/, "");
  return (SORTABLE as readonly string[]).includes(name) ? (text as string) : DEFAULT_SORT;
}

/** Reads the filters from an address; whatever does not make sense there is ignored. */
export function parseFilters(params: URLSearchParams): FindingFilters {
  const text = (name: string): string => (params.get(name) ?? "").trim();
  return {
    severity: words(params, "severity", SEVERITIES),
    status: words(params, "status", STATUSES),
    is_open: flag(params, "is_open"),
    search: text("search"),
    fix_available: flag(params, "fix_available"),
    kev: flag(params, "kev"),
    overdue: flag(params, "overdue"),
    asset: text("asset"),
    asset_id: text("asset_id"),
    cve_id: text("cve_id"),
    vulnerability_id: text("vulnerability_id"),
    component: text("component"),
    ecosystem: words(params, "ecosystem"),
    scanner: words(params, "scanner"),
    decision_id: text("decision_id"),
    rule_id: text("rule_id"),
    sla_policy_id: text("sla_policy_id"),
    assigned_to: text("assigned_to"),
    priority: parseRange(text("priority_score")),
    sort: sortOf(params.get("sort")),
    page: positive(params.get("page"), 1, 1_000_000),
    page_size: positive(params.get("page_size"), DEFAULT_PAGE_SIZE, 1000),
  };
}

/** The conditions alone, as the API wants them: for facets and bulk changes. */
export function conditions(f: FindingFilters): Query {
  return {
    severity: f.severity,
    status: f.status,
    is_open: f.is_open,
    search: f.search,
    fix_available: f.fix_available,
    kev: f.kev,
    overdue: f.overdue,
    asset: f.asset,
    asset_id: f.asset_id,
    cve_id: f.cve_id,
    vulnerability_id: f.vulnerability_id,
    component: f.component,
    ecosystem: f.ecosystem,
    scanner: f.scanner,
    decision_id: f.decision_id,
    rule_id: f.rule_id,
    sla_policy_id: f.sla_policy_id,
    assigned_to: f.assigned_to,
    priority_score: formatRange(f.priority),
  };
}

/** The whole list query. */
export function listQuery(f: FindingFilters): Query {
  return { ...conditions(f), sort: f.sort, page: f.page, page_size: f.page_size };
}

/** The query of the address: as the list's, without what is default anyway. */
export function addressQuery(f: FindingFilters): Query {
  return {
    ...conditions(f),
    sort: f.sort === DEFAULT_SORT ? undefined : f.sort,
    page: f.page === 1 ? undefined : f.page,
    page_size: f.page_size === DEFAULT_PAGE_SIZE ? undefined : f.page_size,
  };
}

/** A name as a filter that means exactly it: commas separate values, an asterisk ends a beginning. */
export function literal(name: string): string {
  return name.replaceAll(/[\\,*]/g, "\\$&");
}

export interface Chip {
  key: string;
  label: string;
  /** The filters without this one. */
  without: Partial<FindingFilters>;
}

/** Every active condition as a removable chip, in the order of the panel. */
export function chips(f: FindingFilters): Chip[] {
  const list: Chip[] = [];
  const add = (key: string, label: string, without: Partial<FindingFilters>) => list.push({ key, label, without });
  if (f.is_open !== undefined) add("is_open", f.is_open ? "Needs work" : "Closed", { is_open: undefined });
  for (const s of f.status) add(`status:${s}`, STATUS_LABEL[s], { status: f.status.filter((x) => x !== s) });
  for (const s of f.severity) add(`severity:${s}`, SEVERITY_LABEL[s], { severity: f.severity.filter((x) => x !== s) });
  if (f.fix_available !== undefined) {
    add("fix_available", f.fix_available ? "Fix available" : "No fix", { fix_available: undefined });
  }
  if (f.kev !== undefined) add("kev", f.kev ? "Known exploited" : "Not known exploited", { kev: undefined });
  if (f.overdue !== undefined) add("overdue", f.overdue ? "Overdue" : "Not overdue", { overdue: undefined });
  for (const e of f.ecosystem) add(`ecosystem:${e}`, e, { ecosystem: f.ecosystem.filter((x) => x !== e) });
  for (const s of f.scanner) add(`scanner:${s}`, `Seen by ${s}`, { scanner: f.scanner.filter((x) => x !== s) });
  const range = formatRange(f.priority);
  if (range) add("priority", `Priority ${range.replace("..", "–")}`, { priority: {} });
  const texts = ["search", "asset", "asset_id", "cve_id", "vulnerability_id", "component", "decision_id", "rule_id", "sla_policy_id", "assigned_to"] as const;
  for (const name of texts) if (f[name]) add(name, `${TEXT_LABEL[name]}: ${f[name]}`, { [name]: "" });
  return list;
}

const TEXT_LABEL = {
  search: "Search",
  asset: "Asset",
  asset_id: "Asset id",
  cve_id: "CVE",
  vulnerability_id: "Vulnerability id",
  component: "Component",
  decision_id: "Decision",
  rule_id: "Rule",
  sla_policy_id: "SLA policy",
  assigned_to: "Assignee",
} as const;

/** Orders by a column: the other way round when it is the current one already. */
export function toggleSort(current: string, column: string, firstDescending: boolean): string {
  if (current === column) return `-${column}`;
  if (current === `-${column}`) return column;
  return firstDescending ? `-${column}` : column;
}
