// @vitest-environment jsdom
// A list tells "nothing there" from "nothing that matches", and every list can be paged through.
import { createRawSnippet, flushSync, mount, unmount } from "svelte";
import { afterEach, expect, it } from "vitest";
import { Problem } from "../api/problem.ts";
import type { Page } from "../api/types.ts";
import type { List } from "../lib/list.svelte.ts";
import { ApiQuery } from "../lib/query.svelte.ts";
import ListBody from "./ListBody.svelte";

const text = (words: string) => createRawSnippet(() => ({ render: () => `<p>${words}</p>` }));
const children = createRawSnippet((rows: () => string[]) => ({ render: () => `<p>rows: ${rows().join("+")}</p>` }));
let mounted: Record<string, unknown> | undefined;

function clear(): void {
  if (mounted) void unmount(mounted);
  mounted = undefined;
}
afterEach(clear);

/** What the page says for these rows, of so many, on this page of two rows each. */
function said(rows: string[], total: number, more: { page?: number; narrowed?: boolean } = {}): string {
  const query = new ApiQuery<Page<string>>();
  query.set("test", { items: rows, total_count: total, page_size: 2, total_pages: Math.ceil(total / 2) });
  show(query, more);
  return document.body.textContent.trim();
}

function show(query: List<string>["query"], { page = 1, narrowed = false }: { page?: number; narrowed?: boolean } = {}): void {
  const list: List<string> = { view: { search: "", sort: "-id", page, page_size: 2 }, asked: {}, query };
  mounted = mount(ListBody<string>, { target: document.body, props: { list, narrowed, nothing: text("none yet"), children } });
  flushSync();
}

it("says that there is nothing only when nothing was asked for", () => {
  expect(said([], 0)).toBe("none yet");
  clear();
  expect(said([], 0, { narrowed: true })).toContain("rows:");
});

it("shows the rows, and the way to the pages around them", () => {
  expect(said(["c", "d"], 5, { page: 2 })).toContain("rows: c+d");
  expect(document.body.textContent).toContain("3–4 of 5");
  const address = (label: string) => document.querySelector(`a[aria-label="${label} page"]`)?.getAttribute("href");
  expect(address("Previous")).toBe("/");
  expect(address("Next")).toBe("/?page=3");
});

it("shows an error instead of waiting for ever", () => {
  const query = new ApiQuery<Page<string>>();
  show(query);
  expect(document.querySelector(".skeleton")).not.toBeNull();
  query.problem = new Problem({ title: "Too many requests", status: 429, code: "rate_limited" });
  flushSync();
  expect(document.querySelector(".skeleton")).toBeNull();
  expect(document.querySelector('[role="alert"]')?.textContent).toContain("Too many requests");
});
