// What a decision says and how far it reaches, in words; and the way from a form to the API.
// Pure functions.
import type { Query } from "../api/client.ts";
import type { Decision, DecisionPatch, DecisionScope, Finding, Justification, NewDecision, Verdict } from "../api/types.ts";
import { literal } from "./filters.ts";
import { dayOfDue, dueFromDay, plural } from "./format.ts";

/** The decision form. Days are `2026-08-12`; an empty one means until it is revoked. */
export interface DecisionDraft {
  kind: Verdict;
  scope: DecisionScope;
  /** `key=value`, in the scope of a tag. */
  tag: string;
  /** Only for the finding's package, in the wider scopes; one finding always is of one package. */
  onlyPackage: boolean;
  reason: string;
  expires: string;
  control: string;
  justification: Justification | "";
}

export const NEW_DRAFT: DecisionDraft = {
  kind: "risk_accepted",
  scope: "finding",
  tag: "",
  onlyPackage: true,
  reason: "",
  expires: "",
  control: "",
  justification: "",
};

/** What is missing before it can be saved, in words; nothing when it is complete. */
export function missing(draft: DecisionDraft): string | undefined {
  if (draft.scope === "tag" && draft.tag === "") return "Choose a tag first.";
  return draft.reason.trim() === "" ? "Give a reason first." : undefined;
}

/**
 * The decision as the API takes it. `packageName` is how the server calls the finding's package
 * (`deb openssl`); without it, a wider decision would be about every package.
 */
export function newDecision(draft: DecisionDraft, finding: Finding, packageName: string | undefined): NewDecision {
  const control = draft.control.trim();
  const { scope } = draft;
  return {
    kind: draft.kind,
    ...(scope === "finding" ? { finding_id: finding.id } : { vulnerability: finding.cve_id }),
    ...(scope === "asset" && { asset: String(finding.asset_id) }),
    ...(scope === "tag" && { tag: draft.tag }),
    ...(scope !== "finding" && draft.onlyPackage && packageName !== undefined && { package: packageName }),
    reason: draft.reason.trim(),
    ...(draft.expires !== "" && { expires_at: dueFromDay(draft.expires) }),
    ...(draft.kind === "risk_accepted" && control !== "" && { compensating_control: control }),
    ...(draft.kind === "not_affected" && draft.justification !== "" && { justification: draft.justification }),
  };
}

/** What can be changed on a decision, as a form holds it. */
export type DecisionTerms = Pick<DecisionDraft, "reason" | "expires" | "control" | "justification">;

export function draftOf(decision: Decision): DecisionTerms {
  return {
    reason: decision.reason ?? "",
    expires: dayOfDue(decision.expires_at),
    control: decision.compensating_control ?? "",
    justification: decision.justification ?? "",
  };
}

/** The merge patch that makes the decision what the form says; an emptied field is removed. */
export function changes(decision: Decision, draft: DecisionTerms): DecisionPatch {
  const was = draftOf(decision);
  const patch: DecisionPatch = {};
  if (draft.reason.trim() !== was.reason) patch.reason = draft.reason.trim();
  if (draft.expires !== was.expires) patch.expires_at = draft.expires === "" ? null : dueFromDay(draft.expires);
  if (draft.control.trim() !== was.control) patch.compensating_control = draft.control.trim() || null;
  if (draft.justification !== was.justification) patch.justification = draft.justification === "" ? null : draft.justification;
  return patch;
}

/** How far it reaches: `openssl on assets with env=prod`. */
export function reach(decision: Decision): string {
  // The server calls a package `ecosystem name`; the name alone is what people know.
  const name = decision.package?.slice(decision.package.indexOf(" ") + 1).trim();
  const what = [name, decision.package_version].filter(Boolean).join(" ");
  const where = {
    finding: `on ${decision.asset ?? "one asset"}`,
    asset: `on ${decision.asset ?? "one asset"}`,
    tag: `on assets with ${decision.tag ?? "a tag"}`,
    fleet: "on every asset",
  }[decision.scope];
  const at = decision.location === undefined ? "" : ` at ${placeName(decision.location)}`;
  return `${what === "" ? "any package" : what} ${where}${at}`;
}

/** The server joins the parts of a place with control characters; people read spaces. */
function placeName(location: string): string {
  // oxlint-disable-next-line no-control-regex
  return location.replaceAll(/[\u0000-\u001f]+/g, " ").trim();
}

/** What a preview says: matches, and how many of them that changes. */
export function previewWords(matched: number, changed: number): string {
  const matches = `Matches ${plural(matched, "finding")}`;
  if (matched === 0) return `${matches}; it would hold for those that come later.`;
  if (changed === matched) return `${matches}.`;
  return changed === 0 ? `${matches}; none of them changes.` : `${matches}, ${plural(changed, "of them changes", "of them change")}.`;
}

const DAY_MS = 86_400_000;

/** The day that is so many days ahead, for a date field. */
export function dayAhead(days: number, now = Date.now()): string {
  return new Date(now + days * DAY_MS).toISOString().slice(0, 10);
}

/** How many days ahead a decision counts as about to end. */
export const SOON_DAYS = 30;

const soonEnd = (now: number): string => dueFromDay(dayAhead(SOON_DAYS, now));

/** Whether it is about to end. */
export function endsSoon(decision: Decision, now = Date.now()): boolean {
  if (decision.state !== "active" || decision.expires_at === undefined) return false;
  return Date.parse(decision.expires_at) <= Date.parse(soonEnd(now));
}

/** What the list of decisions is narrowed to, by its address: the API's own names. */
export interface DecisionFilters {
  state: string;
  kind: string;
  scope: string;
  author: string;
  /** `soon` or `ever`: those that end soon, or on any day; empty: those without an end, too. */
  ends: string;
}

/** Reads the filters from an address. Without any, the decisions in force are shown. */
export function parseDecisionFilters(params: URLSearchParams): DecisionFilters {
  const one = (name: string) => params.get(name) ?? "";
  return { state: params.get("state") ?? "active", kind: one("kind"), scope: one("scope"), author: one("author"), ends: one("ends") };
}

/** The same as the API is asked for it. `all` is the address's word for every state. */
export function decisionQuery(filters: DecisionFilters, now = Date.now()): Query {
  const { ends, ...same } = filters;
  const until = ends === "soon" ? `..${soonEnd(now)}` : undefined;
  return {
    ...same,
    author: literal(filters.author),
    state: filters.state === "all" ? "" : filters.state,
    expires_at: ends === "ever" ? "1970-01-01T00:00:00Z.." : until,
  };
}
