// Taking back: an import, the last one first, and a bulk edit; what stands in the way is named.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, BASE, flaws, get, image, login, open, patch, send, settled } from "./support.mjs";

/** Imports are reverted in the background. */
async function reverted(page, id) {
  while ((await get(page, `/imports/${id}`)).status !== "reverted") await page.waitForTimeout(50);
}

test("an import is reverted once the newer one is, which the refusal names", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  await login(page);
  const name = `e2e/undone:${Date.now()}`;
  const file = (n) => `e2e-undone-${n}-${name.split(":")[1]}.json`;
  const first = await send(page, { name: file(1), text: image(name, flaws(5)) });
  const second = await send(page, { name: file(2), text: image(name, flaws(4)) });
  const openOn = async () => (await get(page, `/findings?asset=${encodeURIComponent(name)}&is_open=true&page_size=1`)).total_count;
  assert.deepEqual([first.new, second.closed, await openOn()], [5, 1, 4]);

  await page.goto(`${BASE}/changes?kind=import`);
  await settled(page);
  const dialog = page.getByRole("dialog");
  const row = (n) => page.getByRole("row", { name: new RegExp(file(n)) });
  await row(1).getByRole("button", { name: /^Revert/ }).click();
  await dialog.getByText("findings it brought go, those it closed are open again").waitFor();
  expected.add(409);
  await dialog.getByRole("button", { name: "Revert" }).click();
  const refusal = dialog.getByRole("alert");
  await refusal.getByText("Nothing was undone: others have built on it.").waitFor();
  assert.ok((await refusal.getByRole("link", { name: /^finding \d+ \(CVE-2019-/ }).count()) >= 4);
  assert.equal(await openOn(), 4);

  // The newer one, from its own page, where the refusal leads.
  await refusal.getByRole("link", { name: `import ${second.id}`, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: file(2) }).waitFor();
  await page.getByRole("button", { name: "Revert …" }).click();
  await dialog.getByRole("button", { name: "Revert" }).click();
  await page.getByText("What this import did was undone.").waitFor();
  await reverted(page, second.id);
  assert.equal(await openOn(), 5, "what it closed is open again");

  await page.goto(`${BASE}/changes?kind=import`);
  await settled(page);
  await row(2).getByText(`by ${ADMIN.username}`).waitFor();
  assert.equal(await row(2).getByRole("button").count(), 0, "it is undone once");
  await row(1).getByRole("button", { name: /^Revert/ }).click();
  await dialog.getByRole("button", { name: "Revert" }).click();
  await dialog.waitFor({ state: "detached" });
  await row(1).getByText("Undone", { exact: true }).waitFor();
  await reverted(page, first.id);
  assert.equal((await get(page, `/findings?asset=${encodeURIComponent(name)}&page_size=1`)).total_count, 0);
  await browser.close();
});

test("a bulk edit is undone, from its message and from the list, but not over later changes", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  await login(page);
  const name = `e2e/bulk:${Date.now()}`;
  await send(page, { name: "e2e-bulk.json", text: image(name, flaws(3)) });
  const where = `/findings?asset=${encodeURIComponent(name)}`;
  const assignees = async () => (await get(page, `${where}&sort=id`)).items.map((f) => f.assigned_to);
  const dialog = page.getByRole("dialog");
  const assign = async (who) => {
    await page.goto(BASE + where);
    await settled(page);
    await page.getByRole("checkbox", { name: "Select all on this page" }).check();
    await page.getByRole("button", { name: "Change …" }).click();
    await dialog.getByLabel("Assign to").fill(who);
    await dialog.getByRole("button", { name: "Change 3 findings" }).click();
    await page.getByText("3 findings changed").waitFor();
    assert.deepEqual(await assignees(), [who, who, who]);
  };

  await assign("ann");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByText("3 records put back.").waitFor();
  assert.deepEqual(await assignees(), [undefined, undefined, undefined]);

  await assign("bob");
  const [change] = (await get(page, "/changes?kind=bulk_edit&page_size=1")).items;
  const [finding] = (await get(page, `${where}&sort=id`)).items;
  await patch(page, `/findings/${finding.id}`, { notes: "Written since." });
  await page.goto(`${BASE}/changes`);
  await settled(page);
  const row = page.getByRole("row", { name: new RegExp(`Change ${change.id}\\b`) });
  await row.getByRole("button", { name: /^Undo/ }).click();
  await dialog.getByRole("term").filter({ hasText: "Assigned to" }).waitFor();
  await dialog.getByRole("definition").filter({ hasText: "bob" }).waitFor();
  expected.add(409);
  await dialog.getByRole("button", { name: "Undo" }).click();
  await dialog.getByRole("alert").getByRole("link", { name: new RegExp(`^finding ${finding.id} `) }).waitFor();
  assert.deepEqual(await assignees(), ["bob", "bob", "bob"]);

  await patch(page, `/findings/${finding.id}`, { notes: null });
  await dialog.getByRole("button", { name: "Undo" }).click();
  await dialog.waitFor({ state: "detached" });
  await row.getByText("Undone", { exact: true }).waitFor();
  assert.deepEqual(await assignees(), [undefined, undefined, undefined]);
  await browser.close();
});
