// Undoing: what a change was, and what stands in the way, in words. Pure functions.
import type { Change, ChangeState } from "../api/types.ts";
import { humanise } from "./words.ts";

export const CHANGE_STATE_LABEL: Record<ChangeState, string> = { kept: "Can be undone", undone: "Undone", expired: "No longer kept" };

const NOUN: Record<string, string> = { findings: "findings", vulnerabilities: "vulnerabilities", assets: "assets" };

/** `Bulk edit of findings`; an import is named by its file, which only it knows. */
export function changeWords(change: Change, filename?: string): string {
  if (change.kind === "import") return filename ?? `Import ${change.import_id ?? ""}`.trim();
  const table = change.action.split(".", 1)[0] ?? "";
  return `Bulk edit of ${NOUN[table] ?? humanise(table).toLowerCase()}`;
}

/** A record that something has built on, and where it can be looked at. */
export interface Blocker {
  text: string;
  href: string | undefined;
  /** The later import that has seen it. */
  importId: number | undefined;
}

function hrefOf(text: string): string | undefined {
  if (text.endsWith(" is gone")) return undefined;
  const [, noun, key] = /^(finding|asset|decision) (.+)$/.exec(text) ?? [];
  if (noun === undefined || key === undefined) return undefined;
  // A finding is told with what it is about.
  return `/${noun}s/${encodeURIComponent(noun === "finding" ? Number.parseInt(key, 10) : key)}`;
}

/** What a refusal names; nothing if it is about something else. */
export function blockers(detail: string | undefined): Blocker[] {
  const [, named] = /cannot be undone, because others have built on it: (.+)$/s.exec(detail ?? "") ?? [];
  return (named?.split("; ") ?? []).map((text) => {
    const [, later] = /last seen by import (\d+)\)$/.exec(text) ?? [];
    return { text, href: hrefOf(text), importId: later === undefined ? undefined : Number(later) };
  });
}
