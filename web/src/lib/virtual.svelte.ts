// Only the rows in view are in the document. A thin reactive wrapper around TanStack's core.
import {
  elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem, type VirtualizerOptions,
} from "@tanstack/virtual-core";

export interface RowWindow {
  items: VirtualItem[];
  /** Pixels of rows above and below the ones in view. */
  before: number;
  after: number;
}

/** Rows of equal height in a scrolling element. Call it while a component is being set up. */
export class VirtualRows {
  window = $state.raw<RowWindow>({ items: [], before: 0, after: 0 });
  #core: Virtualizer<HTMLElement, HTMLElement> | undefined;

  constructor(element: () => HTMLElement | undefined, rows: () => number, height: () => number) {
    // Derived, so that new rows in the same number change nothing here.
    const count = $derived(rows());
    const size = $derived(height());
    $effect(() => {
      const scroller = element();
      const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
        count,
        getScrollElement: () => scroller ?? null,
        estimateSize: ((rowHeight) => () => rowHeight)(size),
        initialOffset: scroller?.scrollTop ?? 0,
        overscan: 12,
        observeElementRect,
        observeElementOffset,
        scrollToFn: elementScroll,
        onChange: () => this.#read(),
      };
      const core = new Virtualizer(options);
      const stop = core._didMount();
      core._willUpdate();
      this.#core = core;
      this.#read();
      return stop;
    });
  }

  #read(): void {
    const core = this.#core;
    if (!core) return;
    const items = core.getVirtualItems();
    const last = items.at(-1);
    this.window = { items, before: items[0]?.start ?? 0, after: last ? core.getTotalSize() - last.end : 0 };
  }

  scrollTo(index: number): void {
    this.#core?.scrollToIndex(index, { align: "auto" });
  }
}
