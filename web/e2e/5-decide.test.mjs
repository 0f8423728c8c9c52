// One finding: its facts, a decision, and what happens when someone else decided first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, get, login, open, patch, seed, settled } from "./support.mjs";

test("a status change is saved with its reason and shows in the history", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  await login(page);
  await seed(page);
  const { items } = await get(page, "/findings?status=open&sort=-priority_score&page_size=1");
  const finding = items[0];

  await page.goto(`${BASE}/findings?status=open`);
  await settled(page);
  await page.locator("tr[data-index] a.row-link").first().click();
  await page.waitForURL(`${BASE}/findings/${finding.id}`);
  await page.getByRole("heading", { level: 1, name: finding.cve_id }).waitFor();
  assert.equal(await page.locator("main b, main script").filter({ hasText: "Not markup" }).count(), 0, "descriptions are text");
  for (const link of await page.locator('main a[target="_blank"]').all()) {
    assert.match(await link.getAttribute("href"), /^(https?:|\/)/);
  }

  const save = page.getByRole("button", { name: "Save" });
  await page.getByLabel("Status").selectOption("risk_accepted");
  assert.ok(await save.isDisabled(), "a decision needs a reason");
  await page.getByLabel("Reason").fill("Only reachable from the host itself.");
  await page.getByLabel("Due").fill("2031-05-04");
  await save.click();
  await page.getByText("Saved").waitFor();
  const saved = await get(page, `/findings/${finding.id}`);
  assert.equal(saved.status, "risk_accepted");
  assert.equal(saved.status_reason, "Only reachable from the host itself.");
  assert.equal(saved.due_at.slice(0, 10), "2031-05-04");
  assert.equal(saved.version, finding.version + 1);
  await page.getByRole("listitem").filter({ hasText: "risk_accepted" }).first().waitFor();

  // Someone else is faster.
  await page.getByLabel("Notes").fill("Written in the meantime.");
  await patch(page, `/findings/${finding.id}`, { assigned_to: "someone" });
  expected.add(412);
  await save.click();
  await page.getByText("Someone changed this finding in the meantime").waitFor();
  await page.getByRole("button", { name: "Load the newest version" }).click();
  await page.waitForFunction(() => [...document.querySelectorAll("input")].some((input) => input.value === "someone"));
  assert.equal(await page.getByLabel("Notes").inputValue(), "Written in the meantime.", "what was typed stays");
  await save.click();
  await page.waitForFunction(() => [...document.querySelectorAll("button")].find((b) => b.textContent.trim() === "Save")?.disabled);
  const merged = await get(page, `/findings/${finding.id}`);
  assert.equal(merged.notes, "Written in the meantime.");
  assert.equal(merged.assigned_to, "someone");

  // Put it back, so that the stories can run again on the same server.
  await page.getByLabel("Status").selectOption("open");
  await save.click();
  await page.waitForFunction(() => [...document.querySelectorAll("button")].find((b) => b.textContent.trim() === "Save")?.disabled);
  assert.equal((await get(page, `/findings/${finding.id}`)).status, "open");
  await browser.close();
});

test("an API token is shown once and can be revoked", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  await page.goto(`${BASE}/settings/tokens`);
  await settled(page);
  const name = `e2e ${Date.now()}`;
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create" }).click();
  const secret = await page.locator("[data-secret]").innerText();
  assert.match(secret, /^vz_/);
  const bearer = { Authorization: `Bearer ${secret}` };
  const me = () => fetch(`${BASE}/api/v1/findings?page_size=1`, { headers: bearer });
  const used = (await me()).status;
  await page.getByRole("button", { name: "Done" }).click();
  assert.ok(!(await page.content()).includes(secret), "the secret is gone");
  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText(`Token “${name}” revoked`).waitFor();
  assert.equal(used, 200);
  assert.equal((await me()).status, 401);
  await browser.close();
});
