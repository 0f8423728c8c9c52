import { expect, it } from "vitest";
import { queryString } from "../api/client.ts";
import type { Package } from "../api/types.ts";
import { historyHref, packageQuery, parsePackageFilters } from "./packages.ts";

const asked = (address: string) => queryString(packageQuery(parsePackageFilters(new URLSearchParams(address))));

it("starts with what is installed, and asks with the API's names", () => {
  expect(asked("")).toBe("is_installed=true");
  expect(asked("is_installed=all&search=ssl")).toBe("search=ssl");
  expect(asked("is_installed=false&asset_id=3&ecosystem=deb")).toBe("is_installed=false&ecosystem=deb&asset_id=3");
  expect(asked("asset=web-*")).toBe("is_installed=true&asset=web-*");
  expect(asked("name=libstdc%2B%2B6*&is_installed=nonsense")).toBe("is_installed=true&name=libstdc%2B%2B6%5C*");
});

it("leads to every version that an asset has had", () => {
  const one = { asset_id: 3, component: { name: "libstdc++6" } } as Package;
  const { pathname, searchParams } = new URL(historyHref(one), "http://x");
  expect(pathname).toBe("/packages");
  expect(asked(searchParams.toString())).toBe("asset_id=3&name=libstdc%2B%2B6");
});
