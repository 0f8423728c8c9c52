// @vitest-environment jsdom
// A severity looks the same wherever it is drawn.
import { flushSync, mount, unmount } from "svelte";
import { expect, it } from "vitest";
import { SEVERITIES, severityColor } from "../lib/words.ts";
import SeverityStrip from "./SeverityStrip.svelte";

it("gives the mark and the bar of a severity the same colour", () => {
  const counts = { critical: 1, high: 1, medium: 1, low: 1, info: 1, unknown: 1, total: 6 };
  const component = mount(SeverityStrip, { target: document.body, props: { counts, href: (severity) => `/findings?severity=${severity}` } });
  flushSync();
  const marks = [...document.querySelectorAll<SVGElement>("li svg")].map((mark) => mark.style.color);
  const bars = [...document.querySelectorAll<SVGElement>("rect[style]")].map((bar) => bar.style.fill);
  expect(marks).toEqual(SEVERITIES.map(severityColor));
  expect(bars).toEqual(marks);
  void unmount(component);
});
