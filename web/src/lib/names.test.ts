import { expect, it } from "vitest";
import { splitIds } from "./names.ts";

it("reads several ids, however they are separated, each once", () => {
  expect(splitIds(" ghsa-aaaa-bbbb-cccc, RUSTSEC-2024-0001;\nGHSA-aaaa-bbbb-cccc ")).toEqual(["GHSA-AAAA-BBBB-CCCC", "RUSTSEC-2024-0001"]);
  expect(splitIds(" , ")).toEqual([]);
});
