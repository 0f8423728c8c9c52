import { expect, it } from "vitest";
import { queryString } from "../api/client.ts";
import type { Import } from "../api/types.ts";
import { heldAmong, heldEffect, skips } from "./imports.ts";

it("gathers skipped entries by reason, the most frequent first", () => {
  const data = {
    skipped_reasons: { "no id": 1, informational: 20 },
    skipped_places: [{ reason: "no id", place: "line 7" }, { reason: "informational", place: "Results[0]" }, { reason: "informational", place: "Results[3]" }],
  } as unknown as Import;
  expect(skips(data)).toEqual([
    { reason: "informational", amount: 20, places: ["Results[0]", "Results[3]"] },
    { reason: "no id", amount: 1, places: ["line 7"] },
  ]);
});

it("compares what is held back with what the scanner sees on the same assets", () => {
  const data = { scanner: "nessus", held_scopes: [{ asset_id: 3, scans: ["network"] }, { asset_id: 5, scans: ["network"] }] } as unknown as Import;
  expect(queryString(heldAmong(data))).toBe("asset_id=3,5&scanner=nessus&is_open=true");
});

it("lets a package list speak for every scanner", () => {
  const scope = { asset_id: 3, scans: ["os_packages"], by_inventory: true };
  const data = { scanner: "dpkg", held_scopes: [{ ...scope, by_inventory: false }, scope] } as unknown as Import;
  expect(queryString(heldAmong(data))).toBe("asset_id=3&is_open=true");
});

it("says what accepting would do", () => {
  const effect = (held: number, held_packages: number) => heldEffect({ held, held_packages } as Import);
  expect(effect(1, 0)).toBe("close 1 finding");
  expect(effect(0, 12)).toBe("take 12 packages for removed");
  expect(effect(2, 1)).toBe("close 2 findings and take 1 package for removed");
});
