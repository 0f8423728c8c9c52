// Importing by drag and drop: progress, counts, and the same counts in the API.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, drop, flaws, get, hold, image, login, open, report, send, settled } from "./support.mjs";

test("a report dropped anywhere is imported, with its counts", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const before = (await get(page, "/findings?page_size=1")).total_count;
  const file = await report();

  await page.goto(`${BASE}/assets`);
  await page.getByRole("heading", { level: 1, name: "Assets" }).waitFor();
  await drop(page, file, { check: () => page.getByText("Drop the report to import it").waitFor() });

  const tray = page.getByRole("region", { name: "Uploads" });
  await tray.getByText(file.name).waitFor();
  await tray.locator('[data-phase="done"]').waitFor({ timeout: 60_000 });

  const imported = (await get(page, "/imports?sort=-id&page_size=1")).items[0];
  assert.equal(imported.status, "completed");
  assert.equal(imported.filename, file.name);
  const shown = await tray.locator("dl").innerText();
  for (const [name, value] of [["new", imported.new], ["seen again", imported.seen], ["closed", imported.closed]]) {
    assert.match(shown.replaceAll(/\s+/g, " "), new RegExp(`${name} ${value.toLocaleString("en")}|${value.toLocaleString("en")} ${name}`));
  }
  const after = (await get(page, "/findings?page_size=1")).total_count;
  assert.equal(after, before + imported.new, "the answer's counts are what a read shows");

  await tray.getByRole("link", { name: "Details of the import" }).click();
  await page.getByRole("heading", { level: 1, name: file.name }).waitFor();
  await page.getByText("What it changed").waitFor();
  await browser.close();
});

test("a file that is no report says what is wrong, and changes nothing", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  expected.add(422);
  await login(page);
  const before = (await get(page, "/findings?page_size=1")).total_count;
  await page.goto(`${BASE}/imports`);
  await page.getByRole("heading", { level: 1, name: "Imports" }).waitFor();
  await drop(page, { name: "broken.json", text: '{"SchemaVersion": 2, "Results": [' });
  const entry = page.getByRole("region", { name: "Uploads" }).locator('[data-phase="failed"]');
  await entry.waitFor({ timeout: 60_000 });
  assert.ok((await entry.innerText()).length > "broken.json Not imported".length, "the reason is shown");
  assert.equal((await get(page, "/findings?page_size=1")).total_count, before);
  await browser.close();
});

test("an import that would close too much is held back until it is accepted", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const name = `e2e/held:${Date.now()}`;
  const held = await hold(page, name);
  assert.equal(held.status, "quarantined");
  const openOn = async () => (await get(page, `/findings?asset=${encodeURIComponent(name)}&is_open=true&page_size=1`)).total_count;
  assert.equal(await openOn(), 14, "nothing was closed");

  await page.goto(`${BASE}/imports`);
  await settled(page);
  await page.getByRole("link", { name: "Look and decide" }).click();
  await page.locator(`a[href="/imports/${held.id}"]`).click();
  const panel = page.getByRole("region", { name: "It would close 12 findings; nothing of that was done" });
  await panel.getByRole("button", { name: "Accept …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal(await openOn(), 14, "asking closes nothing");
  await panel.getByRole("button", { name: "Accept …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Accept and close" }).click();
  await page.getByText("12 findings closed.").waitFor();
  await panel.waitFor({ state: "detached" });
  assert.equal(await openOn(), 2);
  const { status, closed } = await get(page, `/imports/${held.id}`);
  assert.deepEqual([status, closed], ["completed", 12]);
  await browser.close();
});

test("what a held-back import would close can be left open", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const name = `e2e/kept:${Date.now()}`;
  await send(page, { name: "e2e-whole.json", text: image(name, flaws(14)) });
  await page.goto(`${BASE}/imports`);
  await settled(page);
  await drop(page, { name: "e2e-scanty.json", text: image(name, flaws(2)) });
  const tray = page.getByRole("region", { name: "Uploads" });
  await tray.getByText("Held back: would close 12 findings").waitFor({ timeout: 60_000 });
  await tray.getByRole("link", { name: "Look at it and decide" }).click();
  await page.getByRole("button", { name: "Discard …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
  await page.getByText("Nothing was closed.").waitFor();
  await page.getByText("Closing discarded").first().waitFor();
  assert.equal((await get(page, `/findings?asset=${encodeURIComponent(name)}&is_open=true&page_size=1`)).total_count, 14);
  await browser.close();
});
