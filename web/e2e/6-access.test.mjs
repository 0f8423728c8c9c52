// Every page in both themes and at phone width: no accessibility violation, no console error, no
// foreign request, nothing wider than the screen; the theme is remembered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { everyPage, furnish } from "./pages.mjs";
import { BASE, DESK, get, login, open, PHONE, settled } from "./support.mjs";

/** What axe finds on the page as it is now, one line each. */
async function axe(page, where) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  return violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).join("; ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on any page, ${colorScheme}`, async (t) => {
    const browser = await open(t, { colorScheme });
    const { page } = browser;
    await page.goto(`${BASE}/login`);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    const found = await axe(page, "login");
    await login(page);
    await furnish(page);
    for (const [name, address] of Object.entries(await everyPage(page))) {
      await page.goto(BASE + address);
      await settled(page);
      found.push(...(await axe(page, name)));
    }
    const undecided = (await get(page, "/findings?status=open&page_size=1")).items[0];
    await page.goto(`${BASE}/findings/${undecided.id}`);
    await page.getByRole("button", { name: "Decide …" }).click();
    await page.locator("[data-matched]").waitFor();
    found.push(...(await axe(page, "deciding")));
    await page.keyboard.press("Escape");
    await page.goto(`${BASE}/settings/rules`);
    await page.getByRole("button", { name: "Change Base packages" }).click();
    await page.locator("[data-matched]").waitFor();
    found.push(...(await axe(page, "a rule")));
    await page.keyboard.press("Escape");
    await page.goto(`${BASE}/settings/identity`);
    await page.getByRole("checkbox", { name: "Use IP address" }).check();
    await page.getByRole("button", { name: "Join … what is called 192.0.2.7" }).click();
    await page.getByText("would go to").waitFor();
    found.push(...(await axe(page, "joining twins")));
    await page.keyboard.press("Escape");
    await page.goto(`${BASE}/decisions`);
    await page.getByRole("button", { name: "New decision" }).click();
    await page.getByText("Name the vulnerability first.").waitFor();
    found.push(...(await axe(page, "a new decision")));
    await page.keyboard.press("Escape");
    await page.goto(`${BASE}/changes?kind=bulk_edit`);
    await page.getByRole("button", { name: /^Undo …/ }).first().click();
    await page.getByText("Assigned to").waitFor();
    found.push(...(await axe(page, "undoing")));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Command" }).waitFor();
    found.push(...(await axe(page, "palette")));
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Account menu" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).waitFor();
    found.push(...(await axe(page, "menu")));
    assert.deepEqual(found, []);
    await browser.close();
  });
}

test("every page fits a phone", async (t) => {
  const browser = await open(t, { viewport: PHONE });
  const { page } = browser;
  await login(page);
  await furnish(page);
  for (const [name, address] of Object.entries(await everyPage(page))) {
    await page.goto(BASE + address);
    await settled(page);
    const wider = await page.evaluate(() => {
      const main = document.getElementById("main");
      return document.documentElement.scrollWidth > window.innerWidth || main.scrollWidth > main.clientWidth;
    });
    assert.ok(!wider, `${name} is wider than the screen`);
  }
  await page.goto(`${BASE}/findings`);
  await settled(page);
  const found = await axe(page, "findings on a phone");
  await page.getByRole("button", { name: "Filters" }).click();
  await page.getByRole("dialog").waitFor();
  found.push(...(await axe(page, "filters on a phone")));
  assert.deepEqual(found, []);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Navigation" }).click();
  await page.getByRole("link", { name: "Assets" }).click();
  await page.waitForURL(`${BASE}/assets`);
  await browser.close();
});

test("the theme follows the system until chosen, and is remembered", async (t) => {
  const browser = await open(t, { colorScheme: "dark" });
  const { page } = browser;
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await login(page);
  await page.goto(`${BASE}/settings`);
  await settled(page);
  const dark = await background();
  await page.getByLabel("Light").check();
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  await settled(page);
  assert.equal(await background(), light);
  await page.getByLabel("Like the system").check();
  assert.equal(await background(), dark);
  await browser.close();
});

test("the command palette goes places", async (t) => {
  const browser = await open(t, { viewport: DESK });
  const { page } = browser;
  await login(page);
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Command" }).fill("vulner");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${BASE}/vulnerabilities`);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Command" }).fill("some words");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${BASE}/findings?search=some%20words`);
  await browser.close();
});
