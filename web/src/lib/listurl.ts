// Search, order and page of the simple lists <-> address, with the API's names.
import { queryString, type Query } from "../api/client.ts";

export interface ListState {
  search: string;
  sort: string;
  page: number;
  page_size: number;
}

export const LIST_PAGE_SIZE = 50;

export function parseList(params: URLSearchParams, defaultSort: string): ListState {
  const page = Number(params.get("page"));
  return {
    search: (params.get("search") ?? "").trim(),
    sort: params.get("sort") ?? defaultSort,
    page: Number.isInteger(page) && page >= 1 ? page : 1,
    page_size: LIST_PAGE_SIZE,
  };
}

/** The address of a list with some parameters changed; empty ones and page 1 disappear. */
export function listAddress(url: URL, change: Record<string, string | number | undefined>): string {
  const query: Query = Object.fromEntries(url.searchParams);
  // Any change but turning the page starts at the first page again.
  delete query["page"];
  Object.assign(query, change);
  if (query["page"] === 1) delete query["page"];
  const search = queryString(query);
  return `${url.pathname}${search && `?${search}`}`;
}
