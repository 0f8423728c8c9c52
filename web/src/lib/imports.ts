// What an import left out, and what a held-back one would do. Pure functions.
import type { Query } from "../api/client.ts";
import type { Import } from "../api/types.ts";
import { literal } from "./filters.ts";
import { plural } from "./format.ts";

export interface Skip {
  reason: string;
  amount: number;
  /** Where the first of them stand in the report. */
  places: string[];
}

/** Why entries were skipped, the most frequent reason first. */
export function skips(data: Import): Skip[] {
  const list = Object.entries(data.skipped_reasons).map(([reason, amount]) => ({
    reason,
    amount,
    places: data.skipped_places.filter((skipped) => skipped.reason === reason).map((skipped) => skipped.place),
  }));
  return list.toSorted((a, b) => b.amount - a.amount);
}

/** What accepting a held-back import would do. */
export function heldEffect(data: Import): string {
  const effects = [
    ...(data.held > 0 || data.held_packages === 0 ? [`close ${plural(data.held, "finding")}`] : []),
    ...(data.held_packages > 0 ? [`take ${plural(data.held_packages, "package")} for removed`] : []),
  ];
  return effects.join(" and ");
}

/** The findings among which those are that a held-back import would close: what its scanner sees there, or for a package list everything. */
export function heldAmong(data: Import): Query {
  const anyScanner = data.held_scopes.some((scope) => scope.by_inventory);
  return {
    asset_id: [...new Set(data.held_scopes.map((scope) => String(scope.asset_id)))],
    ...(data.scanner !== undefined && !anyScanner && { scanner: literal(data.scanner) }),
    is_open: true,
  };
}
