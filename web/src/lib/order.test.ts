import { expect, it } from "vitest";
import { moved } from "./order.ts";

it("moves an entry and leaves the ends alone", () => {
  const list = ["a", "b", "c"];
  expect(moved(list, 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(list, 2, -2)).toEqual(["c", "a", "b"]);
  expect(moved(list, 0, -1)).toEqual(list);
  expect(moved(list, 2, 1)).toEqual(list);
  expect(moved(list, 7, 1)).toEqual(list);
  expect(list).toEqual(["a", "b", "c"]);
});
