// Who is logged in. Starts by asking the server, hands the CSRF token to the client, and takes
// the reader to the login page (and back) when the session ends.
import { api } from "../api/api.ts";
import { onSessionLost, setCsrfToken } from "../api/client.ts";
import { asProblem, type Problem } from "../api/problem.ts";
import type { Role, Session, User } from "../api/types.ts";
import { forgetAll } from "./query.svelte.ts";
import { router, safeNext } from "./router.svelte.ts";
import { roleAtLeast } from "./words.ts";

export type Phase = "starting" | "unreachable" | "setup" | "out" | "in";

class SessionState {
  phase = $state<Phase>("starting");
  user = $state.raw<User | undefined>();
  problem = $state.raw<Problem | undefined>();
  /** True when a session ended by itself, so that the login page can say so. */
  expired = $state(false);

  async start(): Promise<void> {
    onSessionLost(() => this.#lost());
    this.phase = "starting";
    try {
      this.enter(await api.auth.me());
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 401) await this.#outside();
      else this.#unreachable(problem);
    }
  }

  async #outside(): Promise<void> {
    try {
      this.phase = (await api.setup.needed()).needed ? "setup" : "out";
    } catch (error) {
      this.#unreachable(asProblem(error));
    }
  }

  #unreachable(problem: Problem): void {
    this.problem = problem;
    this.phase = "unreachable";
  }

  #lost(): void {
    if (this.phase !== "in") return;
    this.expired = true;
    this.#leave("out");
  }

  #leave(phase: Phase): void {
    setCsrfToken(undefined);
    forgetAll();
    this.user = undefined;
    this.phase = phase;
  }

  /** Takes over a session that the server just opened or confirmed. */
  enter(session: Session): void {
    setCsrfToken(session.csrf_token);
    this.user = session.user;
    this.expired = false;
    this.phase = "in";
  }

  async logout(): Promise<void> {
    await api.auth.logout();
    this.#leave("out");
    router.go("/login", { replace: true });
  }

  /** Whether the user may do what needs this role; the server decides, this only hides. */
  can(role: Role): boolean {
    return roleAtLeast(this.user?.role, role);
  }

  /** The address that the reader must see instead of the current one, if any. */
  redirect(url: URL): string | undefined {
    const at = url.pathname;
    if (this.phase === "setup") return at === "/setup" ? undefined : "/setup";
    if (this.phase === "out" && at !== "/login") {
      const here = at + url.search;
      return here === "/" || at === "/setup" ? "/login" : `/login?next=${encodeURIComponent(here)}`;
    }
    if (this.phase === "in" && (at === "/login" || at === "/setup")) return safeNext(url.searchParams.get("next"));
    return undefined;
  }
}

export const session = new SessionState();
