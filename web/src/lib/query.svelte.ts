// Reading from the API in components: loading and error states, the last answer kept while a new
// one is on its way (no flicker), a small cache so that going back shows at once, one signal
// that makes everything on screen read again after a change.
import { untrack } from "svelte";
import { asProblem, type Problem } from "../api/problem.ts";

const CACHED = 60;
const cache = new Map<string, unknown>();
const changes = $state({ count: 0 });

/** Something on the server changed: forget old answers, read again what is shown. */
export function invalidate(): void {
  cache.clear();
  changes.count += 1;
}

/** Logging out must leave nothing for the next person at this browser. */
export function forgetAll(): void {
  cache.clear();
}

function remember(key: string, data: unknown): void {
  cache.delete(key);
  cache.set(key, data);
  const oldest = cache.size > CACHED ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
}

export class ApiQuery<T> {
  data = $state.raw<T | undefined>();
  problem = $state.raw<Problem | undefined>();
  loading = $state(false);
  #again = $state(0);

  /** For the effect below: depends on reload(). */
  get round(): number {
    return this.#again;
  }

  reload(): void {
    this.#again += 1;
  }

  /** Puts in an answer that a change returned, without asking again. */
  set(key: string, data: T): void {
    this.data = data;
    remember(key, data);
  }

  async load(key: string, fetcher: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    const known = cache.get(key) as T | undefined;
    if (known !== undefined) this.data = known;
    this.loading = true;
    try {
      const data = await fetcher(signal);
      if (signal.aborted) return;
      remember(key, data);
      this.data = data;
      this.problem = undefined;
    } catch (error) {
      if (signal.aborted) return;
      this.problem = asProblem(error);
    }
    this.loading = false;
  }
}

/**
 * Reads whenever `key` changes (undefined: not at all), after reload() and invalidate().
 * Call it while a component is being set up.
 */
export function apiQuery<T>(key: () => string | undefined, fetcher: (signal: AbortSignal) => Promise<T>): ApiQuery<T> {
  const query = new ApiQuery<T>();
  $effect(() => {
    const current = key();
    void [changes.count, query.round];
    if (current === undefined) return undefined;
    const abort = new AbortController();
    untrack(() => void query.load(current, fetcher, abort.signal));
    return () => abort.abort();
  });
  return query;
}
