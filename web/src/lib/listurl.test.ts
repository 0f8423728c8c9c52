import { describe, expect, it } from "vitest";
import { listAddress, parseList } from "./listurl.ts";

const at = (path: string) => new URL(path, "http://h");

describe("simple lists", () => {
  it("read search, order and page", () => {
    expect(parseList(at("/assets?search=web&sort=name&page=3").searchParams, "-risk_score")).toEqual({ search: "web", sort: "name", page: 3, page_size: 50 });
    expect(parseList(at("/assets?page=zero").searchParams, "-risk_score")).toEqual({ search: "", sort: "-risk_score", page: 1, page_size: 50 });
  });

  it("start at the first page when something else changes", () => {
    expect(listAddress(at("/assets?search=web&page=3"), { sort: "name" })).toBe("/assets?search=web&sort=name");
    expect(listAddress(at("/assets?search=web"), { page: 2 })).toBe("/assets?search=web&page=2");
    expect(listAddress(at("/assets?search=web&page=2"), { page: 1 })).toBe("/assets?search=web");
    expect(listAddress(at("/assets?search=web"), { search: "" })).toBe("/assets");
  });
});
