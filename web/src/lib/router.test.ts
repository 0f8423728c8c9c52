// @vitest-environment jsdom
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { matchRoute, router, safeNext } from "./router.svelte.ts";

const table = [{ pattern: "/" }, { pattern: "/assets" }, { pattern: "/assets/:id" }, { pattern: "/settings/:tab" }];

describe("matchRoute", () => {
  it("finds fixed and variable parts", () => {
    expect(matchRoute(table, "/")?.route.pattern).toBe("/");
    expect(matchRoute(table, "/assets/")?.route.pattern).toBe("/assets");
    expect(matchRoute(table, "/assets/web-1.prod")?.params).toEqual({ id: "web-1.prod" });
    expect(matchRoute(table, "/assets/1/2")).toBeUndefined();
    expect(matchRoute(table, "/docs")).toBeUndefined();
  });

  it("decodes parts, and survives a stray percent sign", () => {
    expect(matchRoute(table, "/assets/registry%2Fapp%3A1")?.params["id"]).toBe("registry/app:1");
    expect(matchRoute(table, "/assets/100%")?.params["id"]).toBe("100%");
  });
});

describe("safeNext", () => {
  it("keeps paths of this site and nothing else", () => {
    expect(safeNext("/findings?severity=critical")).toBe("/findings?severity=critical");
    for (const bad of [null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]) {
      expect(safeNext(bad)).toBe("/");
    }
  });
});

describe("router", () => {
  beforeAll(() => router.start((path) => matchRoute(table, path) !== undefined));
  beforeEach(() => router.go("/"));
  afterEach(() => document.body.replaceChildren());

  function click(href: string, init: MouseEventInit = {}, attributes: Record<string, string> = {}): MouseEvent {
    const link = document.createElement("a");
    link.href = href;
    for (const [name, value] of Object.entries(attributes)) link.setAttribute(name, value);
    document.body.append(link);
    const event = new MouseEvent("click", { bubbles: true, cancelable: true, button: 0, ...init });
    // jsdom cannot navigate: stop what the router left to the browser.
    window.addEventListener("click", (e) => e.preventDefault(), { once: true });
    link.dispatchEvent(event);
    return event;
  }

  it("takes clicks on links to pages", () => {
    click("/assets/7?x=1");
    expect(router.url.pathname + router.url.search).toBe("/assets/7?x=1");
    expect(window.location.pathname).toBe("/assets/7");
  });

  it("leaves other clicks to the browser", () => {
    click("/docs");
    click("https://elsewhere.example/assets");
    click("/assets", { ctrlKey: true });
    click("/assets", { button: 1 });
    click("/assets", {}, { target: "_blank" });
    click("/assets", {}, { download: "" });
    expect(router.url.pathname).toBe("/");
  });

  it("adds to the history, or replaces its last entry", () => {
    const before = history.length;
    router.go("/assets");
    expect(history.length).toBe(before + 1);
    router.go("/assets?search=a", { replace: true });
    expect(history.length).toBe(before + 1);
    expect(window.location.search).toBe("?search=a");
  });

  it("follows the back button", async () => {
    router.go("/assets");
    router.go("/settings/about");
    const back = new Promise((resolve) => window.addEventListener("popstate", resolve, { once: true }));
    history.back();
    await back;
    expect(router.url.pathname).toBe("/assets");
  });
});
