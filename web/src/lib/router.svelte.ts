// A history router: the current address as reactive state, pattern matching, link clicks.
// It knows no page; src/routes.ts has the table. Addresses that match no pattern (/docs,
// /openapi.json) are left to the browser.

export interface Matched<R> {
  route: R;
  params: Record<string, string>;
}

/** Finds the first route whose pattern (`/assets/:id`) fits the path. */
export function matchRoute<R extends { pattern: string }>(routes: readonly R[], path: string): Matched<R> | undefined {
  const parts = path.split("/").filter(Boolean);
  for (const route of routes) {
    const wanted = route.pattern.split("/").filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((want, i) => {
      const part = parts[i] ?? "";
      if (!want.startsWith(":")) return want === part;
      params[want.slice(1)] = decodeSegment(part);
      return true;
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** A stray `%` in a typed address must not break the page. */
function decodeSegment(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Where to go after logging in: only a path of this site, never another host. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : "/";
}

interface HistoryState {
  scroll?: number;
}

class Router {
  url = $state.raw(new URL(window.location.href));
  /** Scroll position to restore, set when the reader went back or forward. */
  restoreScroll: number | undefined;
  #isPage: (path: string) => boolean = () => true;

  /** Starts listening; `isPage` tells which paths are pages of the application. */
  start(isPage: (path: string) => boolean): void {
    this.#isPage = isPage;
    history.scrollRestoration = "manual";
    window.addEventListener("popstate", (event) => {
      this.restoreScroll = ((event.state as HistoryState | null) ?? {}).scroll ?? 0;
      this.url = new URL(window.location.href);
    });
    document.addEventListener("click", (event) => this.#click(event));
  }

  /** Goes to a path of the application. `replace` leaves no entry in the history. */
  go(to: string, options: { replace?: boolean } = {}): void {
    const url = new URL(to, window.location.href);
    if (url.href === this.url.href) return;
    if (options.replace) {
      history.replaceState(history.state, "", url);
    } else {
      const scroll = document.getElementById("main")?.scrollTop ?? 0;
      history.replaceState({ scroll } satisfies HistoryState, "");
      history.pushState({} satisfies HistoryState, "", url);
    }
    this.restoreScroll = undefined;
    this.url = url;
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== window.location.origin || !this.#isPage(url.pathname)) return;
    event.preventDefault();
    this.go(url.href);
  }
}

export const router = new Router();
