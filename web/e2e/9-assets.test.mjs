// What assets are called and what is installed on them: the dry run of identity rules, joining
// what turns out to be one, packages with their history.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, bill, get, hosts, login, open, send, settled } from "./support.mjs";

test("identity rules are tried, saved, and join what shares a name", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const number = 10_000 + (Date.now() % 80_000);
  const address = `198.51.${Math.floor(number / 256) % 256}.${number % 256}`;
  const [one, two] = [`e2e-one-${number}`, `e2e-two-${number}`];
  await send(page, { name: "e2e-hosts.csv", text: hosts({ [one]: address, [two]: address }) });
  const rules = () => get(page, "/identity-rules").then((answer) => answer.rules);
  const before = await rules();
  const row = page.getByRole("row", { name: new RegExp(address.replaceAll(".", "\\.")) });
  const save = page.getByRole("button", { name: "Save" });

  await page.goto(`${BASE}/settings/identity`);
  await settled(page);
  await page.locator("[data-twins]").waitFor();
  assert.equal(await row.count(), 0, "addresses are not looked at");
  assert.ok(await save.isDisabled());
  await page.getByRole("checkbox", { name: "Use IP address" }).check();
  await row.getByText("New").waitFor();
  assert.deepEqual(await row.getByRole("link").allInnerTexts(), [one, two]);
  assert.deepEqual(await rules(), before, "a dry run changes nothing");
  await page.getByRole("button", { name: "Discard" }).click();
  await row.waitFor({ state: "detached" });

  // In another order, without one kind and with another: one list, saved as a whole.
  await page.getByRole("checkbox", { name: "Use IP address" }).check();
  await page.getByRole("button", { name: "Move IP address up" }).click();
  await page.getByRole("button", { name: "Remove Package URL" }).click();
  await page.getByLabel("Add a kind of name").selectOption("url");
  await save.click();
  await page.getByText("Identity rules saved").waitFor();
  const after = await rules();
  const place = (list, kind) => list.findIndex((rule) => rule.kind === kind);
  assert.deepEqual(after[place(after, "ip")], { kind: "ip", enabled: true });
  assert.equal(place(after, "ip"), place(before, "ip") - 1);
  assert.equal(place(after, "purl"), -1);
  assert.deepEqual(after.at(-1), { kind: "url", enabled: true });

  await page.getByRole("button", { name: `Join … what is called ${address}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("The one that stays").selectOption(two);
  await dialog.getByText(`1 finding would go to ${two}; 1 asset would be a part of it.`).waitFor();
  await dialog.getByRole("button", { name: "Join" }).click();
  await page.getByText(`1 asset is a part of ${two} now.`).waitFor();
  await row.waitFor({ state: "detached" });

  // The asset says why it is one.
  const joined = await get(page, `/assets/${two}`);
  await page.goto(`${BASE}/assets/${joined.id}`);
  await settled(page);
  await page.getByRole("listitem").filter({ hasText: one }).getByText("joined by hand").waitFor();
  await page.getByRole("link", { name: "Identity rules" }).click();
  await page.waitForURL(`${BASE}/settings/identity`);

  // Put it back, so that the stories can run again on the same server.
  const { csrf_token: csrf } = await get(page, "/auth/me");
  const answer = await page.request.put(`${BASE}/api/v1/identity-rules`, { headers: { "X-CSRF-Token": csrf }, data: { rules: before } });
  assert.equal(answer.status(), 200);
  await browser.close();
});

test("packages are found by asset and name, with their history", async (t) => {
  const browser = await open(t);
  const { page } = browser;
  await login(page);
  const number = 10_000 + (Date.now() % 80_000);
  const name = `e2e/packed:${number}`;
  const libs = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`lib${number}-${i}`, "1.0"]));
  await send(page, { name: "e2e-bill.json", text: bill(name, { ...libs, "libstdc++6": "12.2.0-14" }) });
  await send(page, { name: "e2e-bill.json", text: bill(name, { ...libs, "libstdc++6": "12.2.0-15" }) });
  const asset = await get(page, `/assets/${encodeURIComponent(name)}`);

  await page.goto(`${BASE}/assets/${asset.id}`);
  await settled(page);
  await page.getByRole("heading", { name: "Packages 9" }).waitFor();
  await page.getByRole("link", { name: "1 gone" }).waitFor();
  await page.getByRole("link", { name: "Show all", exact: true }).click();
  await page.waitForURL(`${BASE}/packages?asset_id=${asset.id}`);
  const rows = page.locator("tbody tr");
  await page.getByRole("heading", { level: 1, name: "Packages 9" }).waitFor();
  await page.getByRole("link", { name: `Remove the filter Asset: ${asset.name}` }).waitFor();

  // Every version that it has, and had.
  await page.getByRole("link", { name: "libstdc++6", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Packages 2" }).waitFor();
  assert.match((await rows.nth(0).innerText()).replaceAll(/\s+/g, " "), /^libstdc\+\+6 12\.2\.0-15 (?!Gone)/);
  assert.match((await rows.nth(1).innerText()).replaceAll(/\s+/g, " "), /^libstdc\+\+6 12\.2\.0-14 Gone/);
  await page.getByLabel("State").selectOption("false");
  await page.getByRole("heading", { level: 1, name: "Packages 1" }).waitFor();
  await page.reload();
  await settled(page);
  assert.equal(await rows.count(), 1, "a reload keeps the filters");

  // Searched for over all assets.
  await page.goto(`${BASE}/packages`);
  await settled(page);
  await page.getByLabel("Search packages").fill(`lib${number}`);
  await page.getByRole("heading", { level: 1, name: "Packages 8" }).waitFor();
  await page.getByLabel("Ecosystem").selectOption("deb");
  await page.waitForURL((url) => url.searchParams.get("ecosystem") === "deb");
  await page.getByRole("heading", { level: 1, name: "Packages 8" }).waitFor();
  await page.getByLabel("Asset: name, or its beginning and *").fill("e2e/no-such*");
  await page.getByText("No package matches.").waitFor();
  await page.getByLabel("Asset: name, or its beginning and *").fill("e2e/packed*");
  await page.getByRole("heading", { level: 1, name: "Packages 8" }).waitFor();
  await page.getByRole("button", { name: "Asset", exact: true }).click();
  await page.waitForURL((url) => url.searchParams.get("sort") === "asset");
  assert.equal((await get(page, `/packages?search=lib${number}&ecosystem=deb&is_installed=true&sort=asset`)).total_count, 8);
  await rows.first().getByRole("link", { name: /^Findings/ }).click();
  await page.waitForURL((url) => url.pathname === "/findings" && url.searchParams.get("asset_id") === String(asset.id));
  await browser.close();
});
