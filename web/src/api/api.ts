// The server's operations by name. Pages call these; only this file knows paths.
import { queryString, request, type Query } from "./client.ts";
import type {
  ApiToken, Asset, AssetMove, AuditLog, BulkResult, Change, Decision, DecisionPatch, DecisionPreview, Facets, Finding, FindingPatch,
  Health, IdentityRule, Import, MappingPreview, MappingTrial, NewApiToken, NewDecision, NewMapping, NewRule, NewSlaPolicy, NewUser,
  Package, Page, PolicyPreview, Role, Rule, RulePatch, SavedMapping, Service, Session, SlaPolicy, SlaPolicyPatch, Stats, Twin, User, Vulnerability,
} from "./types.ts";

type Id = number | string;
const segment = (id: Id): string => encodeURIComponent(String(id));

/** Reading one kind of record. */
function readable<T>(path: string) {
  return {
    list: (query: Query, signal?: AbortSignal) => request<Page<T>>("GET", path, { query, ...(signal && { signal }) }),
    get: (id: Id, signal?: AbortSignal) => request<T>("GET", `${path}/${segment(id)}`, signal ? { signal } : {}),
    /** Those of these that exist. */
    some: async (ids: Id[], signal?: AbortSignal): Promise<T[]> => {
      if (ids.length === 0) return [];
      return (await request<{ items: T[] }>("POST", `${path}/batch-get`, { body: { ids }, ...(signal && { signal }) })).items;
    },
    facets: (fields: string[], query: Query, signal?: AbortSignal) =>
      request<Facets>("GET", `${path}/facets`, { query: { fields, ...query }, ...(signal && { signal }) }),
  };
}

/** Rules and SLA policies: the same operations on both. `id` in a preview: in the place of that one. */
function policies<T, New, Patch>(path: string) {
  return {
    ...readable<T>(path),
    preview: (body: New, id: number | undefined, signal?: AbortSignal) =>
      request<PolicyPreview>("POST", `${path}/preview`, { body, query: { id }, ...(signal && { signal }) }),
    create: (body: New) => request<T>("POST", path, { body }),
    change: (id: Id, body: Patch, version: number) => request<T>("PATCH", `${path}/${segment(id)}`, { body, version }),
    remove: (id: Id, version: number) => request<void>("DELETE", `${path}/${segment(id)}`, { version }),
    order: (ids: number[]) => request<{ ids: number[] }>("POST", `${path}/order`, { body: { ids } }),
  };
}

/** Which records a bulk change means: named ones, or all that a filter matches. */
export type BulkTarget = { ids: number[] } | { filter: Query };

/** The filters of a bulk change: texts, as they would stand in a list's address. */
function filterTexts(query: Query): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(queryString(query)));
}

export const api = {
  setup: {
    needed: () => request<{ needed: boolean }>("GET", "/setup"),
    finish: (body: { token: string; username: string; password: string }) =>
      request<Session>("POST", "/setup", { body }),
  },
  auth: {
    me: () => request<Session>("GET", "/auth/me"),
    login: (body: { username: string; password: string }) => request<Session>("POST", "/auth/login", { body }),
    logout: () => request<void>("POST", "/auth/logout"),
    changePassword: (body: { current: string; new: string }) => request<void>("POST", "/auth/password", { body }),
  },
  stats: (signal?: AbortSignal) => request<Stats>("GET", "/stats", signal ? { signal } : {}),
  findings: {
    ...readable<Finding>("/findings"),
    change: (id: Id, body: FindingPatch, version: number) =>
      request<Finding>("PATCH", `/findings/${segment(id)}`, { body, version }),
    /** All of it or nothing, unless `each` lets those be changed that can be. */
    bulk: (target: BulkTarget, patch: FindingPatch, dryRun: boolean, each: boolean, signal?: AbortSignal) =>
      request<BulkResult>("POST", "/findings/bulk", {
        body: { ...("ids" in target ? target : { filter: filterTexts(target.filter) }), patch, dry_run: dryRun, atomic: !each },
        ...(signal && { signal }),
      }),
  },
  decisions: {
    ...readable<Decision>("/decisions"),
    preview: (body: NewDecision, signal?: AbortSignal) =>
      request<DecisionPreview>("POST", "/decisions/preview", { body, ...(signal && { signal }) }),
    create: (body: NewDecision) => request<Decision>("POST", "/decisions", { body }),
    change: (id: Id, body: DecisionPatch, version: number) =>
      request<Decision>("PATCH", `/decisions/${segment(id)}`, { body, version }),
    revoke: (id: Id, version: number) => request<Decision>("POST", `/decisions/${segment(id)}/revoke`, { version }),
  },
  rules: policies<Rule, NewRule, RulePatch>("/rules"),
  slaPolicies: policies<SlaPolicy, NewSlaPolicy, SlaPolicyPatch>("/sla-policies"),
  assets: {
    ...readable<Asset>("/assets"),
    /** `other` becomes a part of this one. */
    join: (id: Id, other: Id, version: number) =>
      request<Asset>("POST", `/assets/${segment(id)}/join`, { body: { asset: other }, version }),
    previewJoin: (id: Id, other: Id, signal?: AbortSignal) =>
      request<AssetMove>("POST", `/assets/${segment(id)}/join/preview`, { body: { asset: other }, ...(signal && { signal }) }),
    previewPart: (id: Id, names: string[], signal?: AbortSignal) =>
      request<AssetMove>("POST", `/assets/${segment(id)}/part/preview`, { body: { names }, ...(signal && { signal }) }),
    /** Answers with the new asset that the names make. */
    part: (id: Id, names: string[], version: number) =>
      request<Asset>("POST", `/assets/${segment(id)}/part`, { body: { names }, version }),
  },
  vulnerabilities: {
    ...readable<Vulnerability>("/vulnerabilities"),
    join: (id: Id, ids: string[], version: number) =>
      request<Vulnerability>("POST", `/vulnerabilities/${segment(id)}/join`, { body: { ids }, version }),
    /** Answers with the new vulnerability that the ids make. */
    part: (id: Id, ids: string[], version: number) =>
      request<Vulnerability>("POST", `/vulnerabilities/${segment(id)}/part`, { body: { ids }, version }),
  },
  imports: {
    ...readable<Import>("/imports"),
    accept: (id: Id, version: number) => request<Import>("POST", `/imports/${segment(id)}/accept`, { version }),
    discard: (id: Id, version: number) => request<Import>("POST", `/imports/${segment(id)}/discard`, { version }),
    revert: (id: Id, version: number) => request<Import>("POST", `/imports/${segment(id)}/revert`, { version }),
  },
  changes: {
    ...readable<Change>("/changes"),
    undo: (id: Id, version?: number) =>
      request<Change>("POST", `/changes/${segment(id)}/undo`, version === undefined ? {} : { version }),
  },
  /** By which names reports find their asset: one list, replaced as a whole. */
  identity: {
    rules: (signal?: AbortSignal) => request<{ rules: IdentityRule[] }>("GET", "/identity-rules", signal ? { signal } : {}),
    replace: (rules: IdentityRule[]) => request<{ rules: IdentityRule[] }>("PUT", "/identity-rules", { body: { rules } }),
    rehearse: (rules: IdentityRule[], signal?: AbortSignal) =>
      request<{ twins: Twin[] }>("POST", "/identity-rules/rehearse", { body: { rules }, ...(signal && { signal }) }),
  },
  packages: readable<Package>("/packages"),
  services: readable<Service>("/services"),
  mappings: {
    ...readable<SavedMapping>("/mappings"),
    preview: (body: MappingTrial, signal?: AbortSignal) =>
      request<MappingPreview>("POST", "/mappings/preview", { body, ...(signal && { signal }) }),
    create: (body: NewMapping) => request<SavedMapping>("POST", "/mappings", { body }),
    remove: (id: Id, version: number) => request<void>("DELETE", `/mappings/${segment(id)}`, { version }),
  },
  audit: readable<AuditLog>("/audit-logs"),
  users: {
    ...readable<User>("/users"),
    create: (body: NewUser) => request<User>("POST", "/users", { body }),
    change: (id: Id, body: { role?: Role; is_active?: boolean }, version: number) =>
      request<User>("PATCH", `/users/${segment(id)}`, { body, version }),
  },
  tokens: {
    ...readable<ApiToken>("/tokens"),
    create: (body: { name: string; role: Role; expires_in_days?: number }) =>
      request<NewApiToken>("POST", "/tokens", { body }),
    revoke: (id: Id) => request<void>("DELETE", `/tokens/${segment(id)}`),
  },
};

/** Version and state of the server; outside `/api/v1` and open to all. */
export async function health(): Promise<Health> {
  const answer = await fetch("/health", { headers: { Accept: "application/json" } });
  return (await answer.json()) as Health;
}
