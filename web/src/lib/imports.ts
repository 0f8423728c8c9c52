// What an import left out, and what a held-back one would do. Pure functions.
import type { Query } from "../api/client.ts";
import type { Import } from "../api/types.ts";
import { literal } from "./filters.ts";

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

/** The findings among which those are that a held-back import would close: what its scanner sees there. */
export function heldAmong(data: Import): Query {
  return {
    asset_id: data.held_scopes.map((scope) => String(scope.asset_id)),
    ...(data.scanner !== undefined && { scanner: literal(data.scanner) }),
    is_open: true,
  };
}
