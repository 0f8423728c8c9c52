// The first run: a link with a token makes the administrator, once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, BASE, open, setupToken } from "./support.mjs";

test("the set-up link makes the administrator and logs in", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  const { needed } = await (await page.request.get(`${BASE}/api/v1/setup`)).json();
  if (!needed) {
    await browser.close();
    return t.skip("this server is set up already");
  }
  assert.ok(setupToken(), "a new server needs SETUP_TOKEN or SETUP_URL");

  // Without the link, every page leads to the set-up, which asks for the token; a wrong one is refused.
  await page.goto(`${BASE}/findings`);
  await page.waitForURL(`${BASE}/setup`);
  await page.getByLabel("Set-up token").fill("not-the-token");
  await page.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  for (const status of [400, 401, 403, 422]) expected.add(status);
  await page.getByRole("button", { name: "Create and log in" }).click();
  await page.getByRole("alert").waitFor();

  await page.goto("about:blank");
  await page.goto(`${BASE}/setup#token=${encodeURIComponent(setupToken())}`);
  await page.waitForURL(`${BASE}/setup`); // the token is gone from the address
  assert.equal(await page.getByLabel("Set-up token").count(), 0);

  const create = page.getByRole("button", { name: "Create and log in" });
  await page.getByLabel("User name").fill(ADMIN.username);
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByText("5 more to go").waitFor();
  assert.ok(await create.isDisabled());
  await page.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  await create.click();

  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByRole("heading", { name: "Drop a scanner's report here" }).waitFor();
  await page.goto(`${BASE}/setup`);
  await page.waitForURL(`${BASE}/`);
  await browser.close();
});
