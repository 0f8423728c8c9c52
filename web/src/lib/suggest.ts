// Names to choose from while one is typed, as the server knows them.
import { api } from "../api/api.ts";
import { literal } from "./filters.ts";

const SHOWN = 10;

export async function suggestVulnerabilities(text: string, signal: AbortSignal): Promise<string[]> {
  const { items } = await api.vulnerabilities.list({ search: text, page_size: SHOWN }, signal);
  return items.map((v) => v.cve_id);
}

export async function suggestAssets(text: string, signal: AbortSignal): Promise<string[]> {
  const { items } = await api.assets.list({ search: text, page_size: SHOWN }, signal);
  return items.map((asset) => asset.asset_id);
}

/** Tags of assets, as `key=value`. */
export async function suggestTags(text: string, signal: AbortSignal): Promise<string[]> {
  const { facets } = await api.assets.facets(["tag"], {}, signal);
  return (facets["tag"] ?? []).map(({ value }) => String(value)).filter((tag) => tag.includes(text)).slice(0, SHOWN);
}

const LOOKED_AT = 200;

/** Packages in which a vulnerability was found, as decisions name them (`deb openssl`). */
export async function suggestPackages(vulnerability: string, text: string, signal: AbortSignal): Promise<string[]> {
  if (vulnerability === "") return [];
  const { items } = await api.findings.list({ cve_id: literal(vulnerability.toUpperCase()), page_size: LOOKED_AT }, signal);
  const names = items.map(({ component }) => `${component.ecosystem ?? ""} ${component.name}`);
  return [...new Set(names)].filter((name) => name.includes(text)).slice(0, SHOWN);
}
