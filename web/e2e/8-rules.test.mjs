// Rules and SLA policies: made after a preview, followed by findings, put in order, removed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, get, image, login, open, patch, send, settled } from "./support.mjs";

/** Every finding follows what was changed. */
async function followed(page) {
  while ((await get(page, "/jobs?kind=evaluate&status=queued,running&page_size=1")).total_count > 0) await page.waitForTimeout(50);
}

test("a rule assigns and dates findings, says so on each, and takes it back", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const number = 10_000 + (Date.now() % 80_000);
  const name = `e2e-rule-${number}`;
  const flaw = (PkgName, n) => ({ VulnerabilityID: `CVE-2018-${number + n}`, PkgName, InstalledVersion: "1.0", Severity: "HIGH" });
  const findings = [flaw(`lib${number}-a`, 1), flaw(`lib${number}-b`, 2), flaw(`other${number}`, 3)];
  await send(page, { name: "e2e-rules.json", text: image(`e2e/rules:${number}`, findings) });
  const one = async (n) => (await get(page, `/findings?cve_id=CVE-2018-${number + n}`)).items[0];
  assert.equal((await one(1)).due_by.name, "High");

  await page.goto(`${BASE}/settings/rules`);
  await settled(page);
  await page.getByRole("button", { name: "New rule" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Say which findings it is about.").waitFor();
  await dialog.getByLabel("Package", { exact: true }).fill(`LIB${number}*`);
  await dialog.getByText("Say what it does.").waitFor();
  await dialog.getByLabel("Assign to").fill("zoe");
  await dialog.getByLabel("Due in days").fill("3");
  await dialog.getByLabel("Mark as triaged").check();
  await dialog.locator('[data-matched="2"]').waitFor();
  await dialog.getByText("2 findings change, 2 of them their due date").waitFor();
  assert.equal((await one(1)).assigned_to, undefined, "a preview changes nothing");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("row", { name: new RegExp(name) }).waitFor();
  await followed(page);

  const ruled = await one(1);
  assert.deepEqual([ruled.assigned_to, ruled.due_by.kind, ruled.status], ["zoe", "rule", "triaged"]);
  assert.equal((await one(3)).assigned_to, undefined);
  await page.goto(`${BASE}/findings/${ruled.id}`);
  await settled(page);
  await page.getByRole("heading", { name: "What rules and SLA policies did" }).waitFor();
  await page.getByText("Assignee: zoe").waitFor();
  assert.ok((await page.getByRole("link", { name: `by the rule ${name}` }).count()) >= 3);
  // The due date lies in the past: it is late, and says so in the list too.
  await patch(page, `/findings/${ruled.id}`, { due_at: "2020-01-01T00:00:00Z" });
  await page.goto(`${BASE}/findings?overdue=true&asset=e2e/rules:${number}`);
  await settled(page);
  await page.getByRole("button", { name: "Remove the filter Overdue", exact: true }).waitFor();
  await page.locator("tr[data-index]").getByText("Overdue").waitFor();
  assert.equal(await page.locator("tr[data-index]").count(), 1);

  await page.goto(`${BASE}/settings/rules`);
  await settled(page);
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByRole("row", { name: new RegExp(name) }).waitFor({ state: "detached" });
  await followed(page);
  const left = [await one(1), await one(2)];
  assert.deepEqual(left.map((f) => f.assigned_to), [undefined, undefined]);
  assert.deepEqual(left.map((f) => f.due_by.kind), ["person", "sla"]);
  await browser.close();
});

test("SLA policies are changed and ordered", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  await page.goto(`${BASE}/settings/sla`);
  await settled(page);
  const names = async () => (await get(page, "/sla-policies?page_size=1000")).items.map((p) => p.name);
  const before = await names();
  const row = page.getByRole("row", { name: /^Low/ });
  await page.getByRole("button", { name: "Change Low" }).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Days", { exact: true }).inputValue(), "180");
  await dialog.locator("[data-matched]").waitFor();
  await dialog.getByLabel("Days", { exact: true }).fill("120");
  await dialog.getByLabel("When a fixed finding comes back").selectOption("continue");
  await dialog.getByRole("button", { name: "Save" }).click();
  await row.getByText("120 days").waitFor();
  await row.getByText("goes on after a return").waitFor();
  await page.getByRole("button", { name: "Move Low up" }).click();
  await page.waitForFunction(() => document.querySelector("tbody tr:nth-last-child(2)")?.textContent.startsWith("Low"));
  assert.equal((await names()).at(-2), "Low");
  // Put it back, so that the stories can run again on the same server.
  await page.getByRole("button", { name: "Move Low down" }).click();
  await page.waitForFunction(() => document.querySelector("tbody tr:last-child")?.textContent.startsWith("Low"));
  const low = await get(page, "/sla-policies/Low");
  await patch(page, `/sla-policies/${low.id}`, { days: 180, on_reopen: "restart" });
  assert.deepEqual(await names(), before);
  await browser.close();
});
