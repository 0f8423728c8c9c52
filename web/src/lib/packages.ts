// What the list of packages is narrowed to, by its address: the API's own names. Pure functions.
import type { Query } from "../api/client.ts";
import type { Package } from "../api/types.ts";
import { literal } from "./filters.ts";

export interface PackageFilters {
  search: string;
  /** `true`, `false`, or `all`: the history too. */
  is_installed: string;
  ecosystem: string;
  asset_id: string;
  /** Name of assets, or its beginning and an asterisk. */
  asset: string;
  name: string;
}

/** Reads the filters from an address. Without any, what is installed now is shown. */
export function parsePackageFilters(params: URLSearchParams): PackageFilters {
  const one = (name: string) => (params.get(name) ?? "").trim();
  const installed = one("is_installed");
  return {
    search: one("search"),
    is_installed: installed === "false" || installed === "all" ? installed : "true",
    ecosystem: one("ecosystem"),
    asset_id: one("asset_id"),
    asset: one("asset"),
    name: one("name"),
  };
}

/** The same as the API is asked for it. */
export function packageQuery(filters: PackageFilters): Query {
  return { ...filters, name: literal(filters.name), is_installed: filters.is_installed === "all" ? "" : filters.is_installed };
}

/** Every version of a package that an asset has, or had. */
export function historyHref(of: Package): string {
  return `/packages?asset_id=${of.asset_id}&name=${encodeURIComponent(of.component.name)}&is_installed=all&sort=-first_seen`;
}
