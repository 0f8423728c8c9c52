import { describe, expect, it } from "vitest";
import { Selection } from "./selection.svelte.ts";

const ids = [11, 12, 13, 14, 15];

describe("Selection", () => {
  it("ticks and unticks single rows and ranges", () => {
    const s = new Selection();
    s.toggle(ids, 1);
    s.toggle(ids, 3, true);
    expect([...s.ids]).toEqual([12, 13, 14]);
    s.toggle(ids, 2);
    expect(s.has(13)).toBe(false);
    expect(s.size(100)).toBe(2);
  });

  it("ticks the page, keeps other pages, and unticks it again", () => {
    const s = new Selection();
    s.toggle([1, 2], 0);
    s.togglePage(ids);
    expect(s.size(100)).toBe(6);
    s.togglePage(ids);
    expect([...s.ids]).toEqual([1]);
  });

  it("means everything that matches until one row is taken out", () => {
    const s = new Selection();
    s.all = true;
    expect(s.size(4812)).toBe(4812);
    s.toggle(ids, 0);
    expect(s.all).toBe(false);
    expect([...s.ids]).toEqual([12, 13, 14, 15]);
    s.clear();
    expect(s.size(4812)).toBe(0);
  });
});
