// Short messages about what just happened. shell/Toasts.svelte shows and announces them.
import { asProblem } from "../api/problem.ts";

export interface Toast {
  id: number;
  kind: "done" | "failed";
  title: string;
  detail: string | undefined;
}

const SHOWN_MS = { done: 5000, failed: 12_000 };

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  done(title: string, detail?: string): void {
    this.#add("done", title, detail);
  }

  /** Reports a failure; an aborted request is not one. */
  failed(thrown: unknown): void {
    if (thrown instanceof DOMException && thrown.name === "AbortError") return;
    const problem = asProblem(thrown);
    // The session handler takes the reader to the login page; a toast would only repeat it.
    if (problem.code === "unauthenticated") return;
    this.#add("failed", problem.title, problem.detail ?? problem.remedy);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(kind: Toast["kind"], title: string, detail: string | undefined): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, kind, title, detail }];
    setTimeout(() => this.dismiss(id), SHOWN_MS[kind]);
  }
}

export const toasts = new Toasts();
