// What a decision says and how far it reaches, in words; and the way from a form to the API.
// Pure functions.
import type { Query } from "../api/client.ts";
import type { Decision, DecisionKind, DecisionPatch, DecisionScope, Finding, Justification, NewDecision, Origin } from "../api/types.ts";
import { literal } from "./filters.ts";
import { day, dayOfDue, dueFromDay, plural } from "./format.ts";
import { isVerdict } from "./words.ts";

/** The decision form. Days are `2026-08-12`; an empty one means until it is revoked. */
export interface DecisionDraft {
  kind: DecisionKind;
  scope: DecisionScope;
  /** Any id of the vulnerability, in all scopes but that of one finding. */
  vulnerability: string;
  /** Number or natural key, in the scope of an asset. */
  asset: string;
  /** `key=value`, in the scope of a tag. */
  tag: string;
  /** As the server calls it (`deb openssl`), in the wider scopes; empty: every package. */
  package: string;
  reason: string;
  expires: string;
  control: string;
  justification: Justification | "";
  /** Who works on it, for an assignment. */
  assignee: string;
  /** By when it should be fixed, for a due date. */
  due: string;
  /** What to know, for a note. */
  note: string;
}

export const NEW_DRAFT: DecisionDraft = {
  kind: "risk_accepted",
  scope: "finding",
  vulnerability: "",
  asset: "",
  tag: "",
  package: "",
  reason: "",
  expires: "",
  control: "",
  justification: "",
  assignee: "",
  due: "",
  note: "",
};

/** What is missing before anybody can tell which findings it is about, in words. */
export function missingReach(draft: DecisionDraft): string | undefined {
  if (draft.scope === "finding") return undefined;
  if (draft.vulnerability.trim() === "") return "Name the vulnerability first.";
  if (draft.scope === "asset" && draft.asset.trim() === "") return "Name the asset first.";
  return draft.scope === "tag" && !/^[^=]+=./.test(draft.tag.trim()) ? "Choose a tag first." : undefined;
}

/** What is missing of what it says, in words. */
function missingValue(draft: DecisionDraft): string | undefined {
  if (isVerdict(draft.kind)) return draft.reason.trim() === "" ? "Give a reason first." : undefined;
  if (draft.kind === "assignment") return draft.assignee.trim() === "" ? "Say who first." : undefined;
  if (draft.kind === "due_date") return draft.due === "" ? "Say by when first." : undefined;
  return draft.note.trim() === "" ? "Write the note first." : undefined;
}

/** What is missing before it can be saved, in words; nothing when it is complete. */
export function missing(draft: DecisionDraft): string | undefined {
  return missingReach(draft) ?? missingValue(draft);
}

/** Which findings it is about, as the API takes it. */
function reachOf(draft: DecisionDraft, findingId: number | undefined): Partial<NewDecision> {
  if (draft.scope === "finding") return findingId === undefined ? {} : { finding_id: findingId };
  // A package without an ecosystem begins with the space before its name.
  const named = draft.package.trimEnd();
  return {
    vulnerability: draft.vulnerability.trim(),
    ...(draft.scope === "asset" && { asset: draft.asset.trim() }),
    ...(draft.scope === "tag" && { tag: draft.tag.trim() }),
    ...(named !== "" && { package: named }),
  };
}

/** The decision as the API takes it, with nothing that does not belong to its kind. */
export function newDecision(draft: DecisionDraft, findingId: number | undefined): NewDecision {
  const [reason, control] = [draft.reason.trim(), draft.control.trim()];
  return {
    kind: draft.kind,
    ...reachOf(draft, findingId),
    ...(draft.kind !== "note" && reason !== "" && { reason }),
    ...(draft.expires !== "" && { expires_at: dueFromDay(draft.expires) }),
    ...(draft.kind === "risk_accepted" && control !== "" && { compensating_control: control }),
    ...(draft.kind === "not_affected" && draft.justification !== "" && { justification: draft.justification }),
    ...(draft.kind === "assignment" && { assigned_to: draft.assignee.trim() }),
    ...(draft.kind === "due_date" && draft.due !== "" && { due_at: dueFromDay(draft.due) }),
    ...(draft.kind === "note" && { note: draft.note.trim() }),
  };
}

/** The same with what it needs to be previewed, whatever has not been typed yet. */
export function previewable(body: NewDecision, now = Date.now()): NewDecision {
  const typed = (text: string | undefined) => (text === undefined || text === "" ? "preview" : text);
  if (isVerdict(body.kind)) return { ...body, reason: typed(body.reason) };
  if (body.kind === "assignment") return { ...body, assigned_to: typed(body.assigned_to) };
  return body.kind === "note" ? { ...body, note: typed(body.note) } : { ...body, due_at: body.due_at ?? dueFromDay(dayAhead(1, now)) };
}

/** What it says, in a line: to whom, by when, what to know, or why. */
export function saidWords(decision: Decision): string | undefined {
  if (decision.assigned_to !== undefined) return `To ${decision.assigned_to}${decision.reason === undefined ? "" : `: ${decision.reason}`}`;
  if (decision.due_at !== undefined) return `By ${day(decision.due_at)}${decision.reason === undefined ? "" : `: ${decision.reason}`}`;
  return decision.note ?? decision.reason;
}

/** The decisions beside the verdict that a finding follows, and what each says there. */
export function alsoDecided(finding: Finding): { id: number; words: string }[] {
  const list: { id: number; words: string }[] = [];
  const add = (by: Origin | undefined, words: string) => {
    if (by?.kind === "decision" && by.id !== undefined) list.push({ id: by.id, words });
  };
  add(finding.assigned_by, `Assigned to ${finding.assigned_to ?? "nobody"}`);
  add(finding.due_by, `Due ${day(finding.due_at)}`);
  add(finding.notes_by, "Note");
  return list;
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
