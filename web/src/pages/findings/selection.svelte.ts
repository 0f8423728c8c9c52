// Which findings are ticked: some of those seen, or all that the filter matches.
import { SvelteSet } from "svelte/reactivity";

export class Selection {
  ids = new SvelteSet<number>();
  /** Everything that matches the filter, on whatever page. */
  all = $state(false);
  #anchor: number | undefined;

  has(id: number): boolean {
    return this.all || this.ids.has(id);
  }

  size(total: number): number {
    return this.all ? total : this.ids.size;
  }

  /** Ticks or unticks the row at `index`; with `range`, every row since the last one too. */
  toggle(ids: readonly number[], index: number, range = false): void {
    const id = ids[index];
    if (id === undefined) return;
    if (this.all) {
      // Taking one out of "all" would need a filter that says so; start over from this page.
      this.all = false;
      for (const each of ids) this.ids.add(each);
    }
    const on = !this.ids.has(id);
    const from = range && this.#anchor !== undefined ? this.#anchor : index;
    for (let i = Math.min(from, index); i <= Math.max(from, index); i += 1) {
      const each = ids[i];
      if (each === undefined) continue;
      if (on) this.ids.add(each);
      else this.ids.delete(each);
    }
    this.#anchor = index;
  }

  togglePage(ids: readonly number[]): void {
    const every = this.all || (ids.length > 0 && ids.every((id) => this.ids.has(id)));
    this.all = false;
    for (const id of ids) {
      if (every) this.ids.delete(id);
      else this.ids.add(id);
    }
  }

  clear(): void {
    this.ids.clear();
    this.all = false;
    this.#anchor = undefined;
  }
}
