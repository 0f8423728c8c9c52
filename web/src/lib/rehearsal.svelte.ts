// What would happen: asked of the server while a form is being filled in, a moment after what is
// wanted has changed, so that a button says exactly what it will do.
import { asProblem, type Problem } from "../api/problem.ts";

const PAUSE_MS = 300;

export class Rehearsal<T> {
  /** What the server foresees for what is wanted now; nothing while it is being asked. */
  seen = $state.raw<T | undefined>();
  problem = $state.raw<Problem | undefined>();
  #round = $state(0);

  /** For the effect below: depends on again(). */
  get round(): number {
    return this.#round;
  }

  /** Asks again, because something else has changed. */
  again(): void {
    this.#round += 1;
  }

  async ask(question: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<void> {
    try {
      const seen = await question(signal);
      if (!signal.aborted) this.seen = seen;
    } catch (error) {
      if (!signal.aborted) this.problem = asProblem(error);
    }
  }
}

/** Asks whenever `wanted` has changed; undefined is not asked about. Call it while a component is being set up. */
export function rehearsal<A, T>(wanted: () => A | undefined, ask: (asked: A, signal: AbortSignal) => Promise<T>): Rehearsal<T> {
  const result = new Rehearsal<T>();
  const key = $derived.by(() => {
    const asked = wanted();
    return asked === undefined ? undefined : JSON.stringify(asked);
  });
  $effect(() => {
    const asked = key;
    void result.round;
    result.seen = undefined;
    result.problem = undefined;
    if (asked === undefined) return undefined;
    const abort = new AbortController();
    const question = (signal: AbortSignal) => ask(JSON.parse(asked) as A, signal);
    const timer = setTimeout(() => void result.ask(question, abort.signal), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  });
  return result;
}
