// Short messages about what just happened. shell/Toasts.svelte shows and announces them.
import { asProblem } from "../api/problem.ts";

export interface Toast {
  id: number;
  kind: "done" | "failed";
  title: string;
  detail: string | undefined;
  /** What can be done about it, for as long as it is shown. */
  action: ToastAction | undefined;
}

export interface ToastAction {
  label: string;
  run: () => Promise<void>;
}

const SHOWN_MS = { done: 5000, failed: 12_000 };
/** Long enough to read, doubt and click. */
const ACTION_MS = 20_000;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  done(title: string, detail?: string, action?: ToastAction): void {
    this.#add("done", title, detail, action);
  }

  /** Does what a toast offers, and takes it away. */
  async act(toast: Toast): Promise<void> {
    this.dismiss(toast.id);
    try {
      await toast.action?.run();
    } catch (error) {
      this.failed(error);
    }
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

  #add(kind: Toast["kind"], title: string, detail: string | undefined, action?: ToastAction): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, kind, title, detail, action }];
    setTimeout(() => this.dismiss(id), action ? ACTION_MS : SHOWN_MS[kind]);
  }
}

export const toasts = new Toasts();
