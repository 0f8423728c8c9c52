// Filters: in the address, kept by a reload, with the counts that the API gives.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { BASE, get, login, open, OPEN, seed, settled } from "./support.mjs";

const total = (page) => page.locator("[data-total]").getAttribute("data-total").then(Number);
const waitForTotal = (page, value) => page.locator(`[data-total="${value}"]`).waitFor();

test("ticking a severity changes the address, the rows and the counts", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  await seed(page);
  await page.goto(`${BASE}/findings?${OPEN}`);
  await settled(page);
  const all = await get(page, `/findings?${OPEN}&page_size=1`);
  assert.equal(await total(page), all.total_count);

  const facets = (await get(page, `/findings/facets?fields=severity&${OPEN}`)).facets.severity;
  const { value: severity, count } = facets.toSorted((a, b) => b.count - a.count)[0];
  const label = severity[0].toUpperCase() + severity.slice(1);
  const filters = page.getByRole("complementary", { name: "Filters" });
  assert.equal(await filters.locator(`[data-facet="Severity:${severity}"]`).innerText(), count.toLocaleString("en"));

  const box = filters.getByRole("checkbox", { name: new RegExp(`^${label}`) });
  await box.check();
  await page.waitForURL((url) => url.searchParams.get("severity") === severity);
  await waitForTotal(page, count);
  const listed = await get(page, `/findings?${OPEN}&severity=${severity}&sort=-priority_score&page_size=5`);
  assert.equal(listed.total_count, count);
  const first = await page.locator("tr[data-index] a.row-link").first().innerText();
  assert.equal(first, listed.items[0].cve_id);

  await page.reload();
  await settled(page);
  await waitForTotal(page, count);
  assert.ok(await box.isChecked());

  await page.goBack();
  await waitForTotal(page, all.total_count);
  await browser.close();
});

test("search, keyboard, selection and the preview of a bulk change", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  await seed(page);
  await page.goto(`${BASE}/findings?status=open`);
  await settled(page);

  const component = (await get(page, "/findings?status=open&sort=-priority_score&page_size=1")).items[0].component.name;
  await page.keyboard.press("/");
  await page.keyboard.type(component);
  await page.waitForURL((url) => url.searchParams.get("search") === component);
  const found = await get(page, `/findings?status=open&search=${encodeURIComponent(component)}&sort=-priority_score&page_size=100`);
  await waitForTotal(page, found.total_count);

  await page.locator("h1").click();
  await page.keyboard.press("Escape");
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("j");
  await page.locator('tr[data-index="0"] a:focus').waitFor();
  await page.keyboard.press("x");
  await page.getByText("1 selected").waitFor();
  await page.keyboard.press("e");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Assign to").fill("e2e");
  await dialog.getByText("Changes 1 finding").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const untouched = await get(page, `/findings/${found.items[0].id}`);
  assert.notEqual(untouched.assigned_to, "e2e", "a preview changes nothing");

  await page.getByRole("checkbox", { name: "Select all on this page" }).check();
  await page.getByRole("button", { name: "Change …" }).click();
  await dialog.getByLabel("Assign to").fill("e2e");
  const apply = dialog.getByRole("button", { name: /^Change \d/ });
  const announced = Number(/[\d,]+/.exec(await apply.innerText())[0].replaceAll(",", ""));
  await apply.click();
  await page.getByText(new RegExp(`${announced.toLocaleString("en")} findings? changed`)).waitFor();
  const assigned = await get(page, `/findings?status=open&search=${encodeURIComponent(component)}&assigned_to=e2e&page_size=1`);
  assert.equal(assigned.total_count, Math.min(found.total_count, 100));
  await browser.close();
});

test("the same view as a command line", async (t) => {
  const browser = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = browser;
  await login(page);
  await page.goto(`${BASE}/findings?severity=high&kev=false`);
  await settled(page);
  await page.getByRole("button", { name: "Copy as curl" }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /^curl /);
  const address = /'([^']+)'/.exec(text)[1];
  assert.ok(address.startsWith(`${BASE}/api/v1/findings?severity=high&kev=false`));
  const answer = await page.request.get(address);
  assert.equal((await answer.json()).total_count, await total(page));
  await browser.close();
});

test("what is filtered can be had as a file", async (t) => {
  const browser = await open(t, { acceptDownloads: true });
  const { page } = browser;
  await login(page);
  await seed(page);
  await page.goto(`${BASE}/findings?severity=high`);
  await settled(page);
  const shown = await total(page);
  for (const [label, name, count] of [
    ["JSON Lines", /^vulnzero-findings-[\d-]+\.jsonl$/, (text) => text.trimEnd().split("\n").length],
    ["SARIF 2.1.0", /^vulnzero-findings-[\d-]+\.sarif$/, (text) => JSON.parse(text).runs.flatMap((run) => run.results).length],
  ]) {
    await page.getByRole("button", { name: "Export" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: label }).click()]);
    assert.match(file.suggestedFilename(), name);
    assert.equal(count(await readFile(await file.path(), "utf8")), shown);
  }
  await browser.close();
});
