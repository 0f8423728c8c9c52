import { describe, expect, it } from "vitest";
import type { Change } from "../api/types.ts";
import { blockers, changeWords } from "./undo.ts";

describe("what stands in the way", () => {
  it("leads to the records and imports that a refusal names", () => {
    const detail =
      "import 1 cannot be undone, because others have built on it: finding 2 (CVE-2026-2 on web, last seen by import 5); " +
      "asset e2e/shop:1.0; decision 9; package 4; asset 3 is gone; and 3 more";
    expect(blockers(detail).map(({ href, importId }) => [href, importId])).toEqual([
      ["/findings/2", 5],
      ["/assets/e2e%2Fshop%3A1.0", undefined],
      ["/decisions/9", undefined],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(blockers(detail).at(-1)?.text).toBe("and 3 more");
  });

  it("is nothing in a refusal about something else", () => {
    expect(blockers("change 1: it has been undone already")).toEqual([]);
    expect(blockers(undefined)).toEqual([]);
  });
});

it("names a change", () => {
  const change = (more: Partial<Change>) => ({ kind: "bulk_edit", action: "findings.bulk", ...more }) as Change;
  expect(changeWords(change({}))).toBe("Bulk edit of findings");
  expect(changeWords(change({ kind: "import", import_id: 4 }), "trivy.json")).toBe("trivy.json");
  expect(changeWords(change({ kind: "import", import_id: 4 }))).toBe("Import 4");
});
