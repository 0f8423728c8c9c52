// A simple list: what its address asks for, and the API's answer. How that is spelled in an
// address is in listurl.ts; how it is shown is in ui/ListBody.svelte.
import { apiPath, type Query } from "../api/client.ts";
import type { Page } from "../api/types.ts";
import { parseList, type ListState } from "./listurl.ts";
import { apiQuery, type ApiQuery } from "./query.svelte.ts";
import { router } from "./router.svelte.ts";

export interface List<T> {
  /** Search, order and page that the address names. */
  readonly view: ListState;
  /** The same as the API is asked for it. */
  readonly asked: Query;
  readonly query: ApiQuery<Page<T>>;
}

interface Source<T> {
  /** Where the API serves the list, below `/api/v1`. */
  path: string;
  /** The order when the address names none. */
  sort: string;
  read: (query: Query, signal: AbortSignal) => Promise<Page<T>>;
  /** What is asked for beside order and page. */
  filters?: (view: ListState) => Query;
}

/** Reads the list that the address names, again whenever that changes. Call it while a component is being set up. */
export function addressedList<T>({ path, sort, read, filters }: Source<T>): List<T> {
  const view = $derived(parseList(router.url.searchParams, sort));
  const asked = $derived<Query>({ ...filters?.(view), sort: view.sort, page: view.page, page_size: view.page_size });
  const query = apiQuery(() => apiPath(path, asked), (signal) => read(asked, signal));
  return {
    get view() {
      return view;
    },
    get asked() {
      return asked;
    },
    query,
  };
}
