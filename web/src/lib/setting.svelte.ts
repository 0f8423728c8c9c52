// One remembered choice of this browser (row density and the like). Nothing secret, nothing that
// the server should know.

export class Setting<T extends string> {
  #value = $state() as T;
  readonly #key: string;

  constructor(name: string, allowed: readonly T[], fallback: T) {
    this.#key = `vulnzero.${name}`;
    this.#value = fallback;
    try {
      const stored = localStorage.getItem(this.#key) as T | null;
      if (stored !== null && allowed.includes(stored)) this.#value = stored;
    } catch {
      // Storage is blocked: the fallback stands.
    }
  }

  get value(): T {
    return this.#value;
  }

  set value(next: T) {
    this.#value = next;
    try {
      localStorage.setItem(this.#key, next);
    } catch {
      // It lasts until the page is closed.
    }
  }
}

export const density = new Setting("density", ["compact", "comfortable"], "comfortable");
