// By which names reports find their asset: the rules, and what joining and parting do, in words.
// Pure functions.
import type { Asset, AssetMove, IdentifierKind, IdentityRule, Twin } from "../api/types.ts";
import { count, plural } from "./format.ts";
import { humanise, IDENTIFIER_LABEL } from "./words.ts";

/** What a kind of name is worth: whether different things can share one. */
export const KIND_NOTE: Partial<Record<IdentifierKind, string>> = {
  instance_id: "Of a cloud provider; one per machine.",
  agent_id: "Of an agent on it; one per installation.",
  system_uuid: "Of the hardware or the virtual machine. Clones may share it.",
  image_digest: "The same image, wherever it runs.",
  image_tag: "Tags move: the next image has the same one.",
  fqdn: "Unique as long as names are not given away again.",
  hostname: "Without a domain. New machines often share one.",
  mac: "Virtual machines and docks may share one.",
  ip: "Addresses are handed out again: only where they are fixed.",
  repository: "Where the code comes from.",
  purl: "The product that an SBOM is about.",
  url: "The address that was scanned.",
};

/** Kinds that a rule can be about. The name itself is always tried first. */
export const RULE_KINDS = (Object.keys(IDENTIFIER_LABEL) as IdentifierKind[]).filter((kind) => kind !== "name");

/** Kinds that no rule is about yet. */
export function unused(rules: readonly IdentityRule[]): IdentifierKind[] {
  return RULE_KINDS.filter((kind) => !rules.some((rule) => rule.kind === kind));
}

export function sameRules(a: readonly IdentityRule[], b: readonly IdentityRule[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule.kind === b[i]?.kind && rule.enabled === b[i]?.enabled);
}

/** Whether the rules that hold do not look at this kind of name. */
export function isNewTwin(twin: Twin, holding: readonly IdentityRule[]): boolean {
  return !holding.some((rule) => rule.enabled && rule.kind === twin.kind);
}

/** `Domain name, IP address`: the kinds in use, in their order. */
export function usedWords(rules: readonly IdentityRule[]): string {
  return rules.filter((rule) => rule.enabled).map((rule) => IDENTIFIER_LABEL[rule.kind]).join(", ");
}

/** How an asset is known to have a name. */
export function matchedWords(by: string | undefined): string | undefined {
  if (by === undefined) return undefined;
  if (by === "joined") return "joined by hand";
  if (by === "name") return "a report used this name";
  const kind = IDENTIFIER_LABEL[by as IdentifierKind] ?? humanise(by);
  // MAC and IP stay as they are.
  return `recognised by ${/^[A-Z]{2}/.test(kind) ? kind : kind.charAt(0).toLowerCase() + kind.slice(1)}`;
}

const openOnes = (asset: Asset): string => `${count(asset.open_findings.total)} open`;

/** What joining would do. */
export function joinWords({ asset, findings }: AssetMove): string {
  return `${plural(findings, "finding")} would go along; ${asset.name} would have ${openOnes(asset)}.`;
}

/** What parting would do. */
export function partWords({ asset, parted, findings }: AssetMove): string {
  const moving = `${plural(findings, "finding")} would go to ${parted?.name ?? "the new asset"}`;
  return `${moving}${parted && findings > 0 ? `, ${openOnes(parted)}` : ""}; ${asset.name} would have ${openOnes(asset)}.`;
}
