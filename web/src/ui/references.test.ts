// @vitest-environment jsdom
// What a report says is never markup, and never a link that runs code.
import { flushSync, mount, unmount } from "svelte";
import { describe, expect, it } from "vitest";
import AuditChanges from "./AuditChanges.svelte";
import References from "./References.svelte";

describe("texts from reports", () => {
  it("become links only when they are web addresses, without referrer or opener", () => {
    const links = ["https://nvd.nist.gov/x", "javascript:alert(1)", "<img src=x onerror=alert(1)>"];
    const component = mount(References, { target: document.body, props: { links } });
    flushSync();
    const anchors = [...document.querySelectorAll("a")];
    expect(anchors.map((a) => a.getAttribute("href"))).toEqual(["https://nvd.nist.gov/x"]);
    expect(anchors[0]?.rel).toBe("noopener noreferrer");
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).toContain("<img src=x onerror=alert(1)>");
    void unmount(component);
  });

  it("have no heading when a report has no links", () => {
    const component = mount(References, { target: document.body, props: { links: [], panel: true } });
    flushSync();
    expect(document.querySelector("section, h2, ul")).toBeNull();
    void unmount(component);
  });

  it("stay text in the history", () => {
    const log = { id: 1, version: 1, updated_at: "2026-08-12T12:00:00Z", created_at: "2026-08-12T12:00:00Z", action: "findings.update", actor_type: "user" as const, actor: "a", success: true, hash: "h", changes: { notes: { old: "a", new: "<b>bold</b>" }, due_at: {} } };
    const component = mount(AuditChanges, { target: document.body, props: { log } });
    flushSync();
    expect(document.body.textContent).toContain("<b>bold</b>");
    expect(document.body.textContent).toContain("due_at nothing → nothing");
    void unmount(component);
  });
});
