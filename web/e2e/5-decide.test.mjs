// One finding: its facts, a decision, and what happens when someone else decided first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, BASE, get, image, login, open, patch, seed, send, settled } from "./support.mjs";

test("work on a finding is saved and shows in its history, and meets others' changes", async (t) => {
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
  const work = page.getByRole("complementary", { name: "Decision and work" });
  await work.getByLabel("Stage").selectOption("in_remediation");
  await work.getByLabel("Why").fill("The update is being tested.");
  await work.getByLabel("Due").fill("2031-05-04");
  await save.click();
  await page.getByText("Saved").waitFor();
  const saved = await get(page, `/findings/${finding.id}`);
  assert.equal(saved.status, "in_remediation");
  assert.equal(saved.due_at.slice(0, 10), "2031-05-04");
  assert.equal(saved.version, finding.version + 1);
  const change = page.getByRole("listitem").filter({ hasText: "The update is being tested." });
  assert.match(await change.innerText(), new RegExp(`Open\\s+became\\s+In remediation\\s+by ${ADMIN.username}`));

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
  await work.getByLabel("Stage").selectOption("open");
  await save.click();
  await page.waitForFunction(() => [...document.querySelectorAll("button")].find((b) => b.textContent.trim() === "Save")?.disabled);
  assert.equal((await get(page, `/findings/${finding.id}`)).status, "open");
  await browser.close();
});

test("a risk is accepted on many findings after a preview, extended, and taken back", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  // The same flaw in the same package on three images, and in another package on one of them.
  const number = 10_000 + (Date.now() % 80_000);
  const cve = `CVE-2020-${number}`;
  const flaw = (PkgName) => ({ VulnerabilityID: cve, PkgName, InstalledVersion: "1.0", Severity: "HIGH" });
  for (const name of ["one", "two", "three"]) {
    const findings = name === "one" ? [flaw("libshared"), flaw("libother")] : [flaw("libshared")];
    await send(page, { name: `e2e-${name}.json`, text: image(`e2e/${name}:${number}`, findings) });
  }
  const openOnes = async () => (await get(page, `/findings?cve_id=${cve}&is_open=true`)).total_count;
  const finding = (await get(page, `/findings?cve_id=${cve}&component=libshared`)).items[0];
  assert.equal(await openOnes(), 4);

  await page.goto(`${BASE}/findings/${finding.id}`);
  await settled(page);
  await page.getByRole("button", { name: "Decide …" }).click();
  const dialog = page.getByRole("dialog");
  const matched = (n) => dialog.locator(`[data-matched="${n}"]`).waitFor();
  await matched(1);
  await dialog.getByLabel("Every asset").check();
  await matched(3);
  await dialog.getByText("Matches 3 findings").waitFor();
  await dialog.getByLabel("Only in the package libshared").uncheck();
  await matched(4);
  await dialog.getByLabel("Only in the package libshared").check();
  await matched(3);
  assert.equal(await openOnes(), 4, "a preview changes nothing");
  const decide = dialog.getByRole("button", { name: "Decide about 3 findings" });
  assert.ok(await decide.isDisabled(), "a decision needs a reason");
  await dialog.getByLabel("Reason").fill("Only reachable from the host itself.");
  await dialog.getByLabel("Compensating control").fill("Firewalled");
  await dialog.getByRole("button", { name: "30 days" }).click();
  await decide.click();
  await page.getByText("Decided").waitFor();
  assert.equal(await openOnes(), 1);

  // Who decided, why and until when stands on the finding; the work on it rests.
  const side = page.getByRole("complementary", { name: "Decision and work" });
  await side.getByText("Only reachable from the host itself.").waitFor();
  await side.getByText("Firewalled").waitFor();
  assert.ok(await side.getByLabel("Stage").isDisabled());
  await side.getByRole("link", { name: "Risk accepted" }).click();
  await page.getByRole("heading", { level: 1, name: `Risk accepted: ${cve}` }).waitFor();
  const id = Number(new URL(page.url()).pathname.split("/").at(-1));
  await page.getByRole("button", { name: "Extend or change …" }).click();
  await dialog.getByLabel("Holds until").fill("2031-05-04");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Decision changed").waitFor();
  assert.equal((await get(page, `/decisions/${id}`)).expires_at.slice(0, 10), "2031-05-04");

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Decisions" }).click();
  await page.getByLabel("Scope").selectOption("fleet");
  await page.waitForURL((url) => url.searchParams.get("scope") === "fleet");
  await page.getByRole("link", { name: `Risk accepted: ${cve}` }).click();
  await page.getByRole("button", { name: "Revoke …" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Decision revoked").waitFor();
  await page.locator("main").getByText("Revoked").first().waitFor();
  assert.equal(await openOnes(), 4);

  await page.goto(`${BASE}/findings/${finding.id}`);
  await settled(page);
  const history = await page.getByRole("listitem").filter({ hasText: "became" }).allInnerTexts();
  assert.equal(history.length, 2, "accepted, and open again");
  await browser.close();
});

test("work is given out, dated and noted by decisions, from wherever one is", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const number = 10_000 + (Date.now() % 80_000);
  const cve = `CVE-2016-${number}`;
  const flaw = (PkgName) => ({ VulnerabilityID: cve, PkgName, InstalledVersion: "1.0", Severity: "HIGH" });
  await send(page, { name: "e2e-given.json", text: image(`e2e/given:${number}`, [flaw("libgiven"), flaw("libother")]) });
  await send(page, { name: "e2e-given.json", text: image(`e2e/given-too:${number}`, [flaw("libgiven")]) });
  const found = () => get(page, `/findings?cve_id=${cve}&sort=id`).then(({ items }) => items);
  const finding = (await found()).find((f) => f.component.name === "libgiven");
  const dialog = page.getByRole("dialog");
  const matched = (n) => dialog.locator(`[data-matched="${n}"]`).waitFor();

  // An assignment, from a finding, wherever the package is.
  await page.goto(`${BASE}/findings/${finding.id}`);
  await settled(page);
  await page.getByRole("button", { name: "Decide …" }).click();
  await dialog.getByLabel("Assignment").check();
  await dialog.getByText("Say who first.").waitFor();
  await dialog.getByLabel("Every asset").check();
  await matched(2);
  await dialog.getByLabel("Assign to").fill("zoe");
  await dialog.getByText("Matches 2 findings.").waitFor();
  assert.ok((await found()).every((f) => f.assigned_to === undefined), "a preview changes nothing");
  await dialog.getByRole("button", { name: "Decide about 2 findings" }).click();
  await dialog.waitFor({ state: "detached" });
  const side = page.getByRole("complementary", { name: "Decision and work" });
  await side.getByText("Assigned to zoe:").waitFor();
  assert.deepEqual((await found()).map((f) => [f.component.name, f.assigned_to]).toSorted(), [["libgiven", "zoe"], ["libgiven", "zoe"], ["libother", undefined]]);

  // A due date, from the vulnerability's page, on one asset.
  await page.goto(`${BASE}/vulnerabilities/${cve}`);
  await settled(page);
  await page.getByRole("button", { name: "Decide …" }).click();
  await dialog.getByLabel("Due date").check();
  await matched(3);
  await dialog.getByLabel("One asset").check();
  await dialog.getByLabel("Asset", { exact: true }).fill(`e2e/given:${number}`);
  await matched(2);
  await dialog.getByLabel("Due", { exact: true }).fill("2031-05-04");
  await dialog.getByRole("button", { name: "Decide about 2 findings" }).click();
  await dialog.waitFor({ state: "detached" });
  const dated = (await found()).filter((f) => f.due_by?.kind === "decision");
  assert.equal(dated.length, 2);
  assert.ok(dated.every((f) => f.asset === `e2e/given:${number}` && f.due_at.startsWith("2031-05-04")));

  // A note, from the list of decisions, on one package; a name that nobody knows is told.
  await page.goto(`${BASE}/decisions`);
  await settled(page);
  await page.getByRole("button", { name: "New decision" }).click();
  await dialog.getByLabel("Note", { exact: true }).check();
  await dialog.getByLabel("Vulnerability", { exact: true }).fill(cve);
  await matched(3);
  await dialog.getByLabel("Only in the package").fill("deb libother");
  await matched(1);
  await dialog.getByRole("textbox", { name: "Note" }).fill("Ask Jo before the update.");
  await dialog.getByRole("button", { name: "Decide", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("row", { name: new RegExp(`Note: ${cve}`) }).getByText("Ask Jo before the update.").waitFor();
  assert.equal((await found()).filter((f) => f.notes === "Ask Jo before the update.").length, 1);

  // Taken back, what it said goes.
  await page.getByRole("link", { name: `Assignment: ${cve}` }).click();
  await page.getByRole("button", { name: "Revoke …" }).click();
  await dialog.getByText("What it has set on findings is taken back.").waitFor();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("Decision revoked").waitFor();
  assert.ok((await found()).every((f) => f.assigned_to === undefined));
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

test("ids and assets are joined and parted by hand", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const number = 10_000 + (Date.now() % 80_000);
  const cve = `CVE-2021-${number}`;
  const ghsa = `GHSA-E2E0-${number}`;
  const flaw = (VulnerabilityID) => [{ VulnerabilityID, PkgName: "libjoined", InstalledVersion: "1.0", Severity: "HIGH" }];
  const [one, two] = [`e2e/left:${number}`, `e2e/right:${number}`];
  await send(page, { name: "e2e-left.json", text: image(one, flaw(cve)) });
  await send(page, { name: "e2e-right.json", text: image(two, flaw(ghsa)) });
  const dialog = page.getByRole("dialog");
  const choose = async (menu, item) => {
    await page.getByRole("button", { name: menu }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };

  await page.goto(`${BASE}/vulnerabilities/${cve}`);
  await settled(page);
  await choose("Ids: same or not the same", "Same as …");
  await dialog.getByLabel("Other ids").fill(ghsa.toLowerCase());
  await dialog.getByRole("button", { name: "Join" }).click();
  await page.getByText(`All of it is ${cve} now.`).waitFor();
  const joined = await get(page, `/vulnerabilities/${cve}`);
  assert.deepEqual([joined.aliases, joined.open_findings], [[ghsa], 2]);
  await choose("Ids: same or not the same", "Not the same …");
  await dialog.getByLabel(ghsa).check();
  await dialog.getByRole("button", { name: "Part" }).click();
  await page.getByText(`${ghsa} is a vulnerability of its own now`).waitFor();
  assert.equal((await get(page, `/vulnerabilities/${ghsa}`)).open_findings, 1);

  const asset = await get(page, `/assets/${encodeURIComponent(one)}`);
  await page.goto(`${BASE}/assets/${asset.id}`);
  await settled(page);
  await choose("Names: same or not the same", "Same as …");
  await dialog.getByLabel("The other asset").fill(two);
  await dialog.getByText(`1 finding would go along; ${one} would have 2 open.`).waitFor();
  assert.equal((await get(page, `/assets/${asset.id}`)).open_findings.total, 1, "a preview changes nothing");
  await dialog.getByRole("button", { name: "Join" }).click();
  await page.getByText(`${two} is a part of ${one} now.`).waitFor();
  await page.getByRole("listitem").filter({ hasText: two }).filter({ hasText: "Name, says" }).waitFor();
  assert.equal((await get(page, `/assets/${asset.id}`)).open_findings.total, 2);
  await choose("Names: same or not the same", "Not the same …");
  await dialog.getByLabel(two).check();
  await dialog.getByText(`1 finding would go to ${two}, 1 open; ${one} would have 1 open.`).waitFor();
  await dialog.getByRole("button", { name: "Part" }).click();
  await page.getByText(`${two} is an asset of its own now`).waitFor();
  assert.equal((await get(page, `/assets/${encodeURIComponent(two)}`)).open_findings.total, 1);
  await browser.close();
});
