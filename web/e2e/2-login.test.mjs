// Logging in and out, a wrong password, the way back to where one was.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, BASE, login, open } from "./support.mjs";

test("a wrong password is explained, the right one leads back", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  await login(page);
  await browser.context.clearCookies();

  await page.goto(`${BASE}/findings?severity=critical`);
  await page.waitForURL(/\/login\?next=/);
  expected.add(401);
  await page.getByLabel("User name").fill(ADMIN.username);
  await page.getByLabel("Password").fill("certainly wrong 1");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText(/wrong/i).waitFor();
  assert.equal(await page.getByLabel("Password").inputValue(), "");

  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${BASE}/findings?severity=critical`);

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.waitForURL(`${BASE}/login`);
  const me = await page.request.get(`${BASE}/api/v1/auth/me`);
  assert.equal(me.status(), 401);
  await browser.close();
});

test("a session that ended leads to the login and back", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  await login(page);
  await page.goto(`${BASE}/assets?search=x`);
  await page.getByRole("heading", { name: "Assets" }).waitFor();
  await browser.context.clearCookies();
  expected.add(401);
  await page.getByRole("link", { name: "Vulnerabilities" }).click();
  await page.waitForURL(/\/login\?next=%2Fvulnerabilities/);
  await page.getByText("Your session has ended").waitFor();
  await page.getByLabel("User name").fill(ADMIN.username);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${BASE}/vulnerabilities`);
  await browser.close();
});

test("a paused account counts down until it may try again", async (t) => {
  const browser = await open(t);
  const { page, expected } = browser;
  expected.add(429);
  // The server's patience is its own test; here it is what the page makes of the answer.
  await page.route("**/api/v1/auth/login", (route) =>
    route.fulfill({
      status: 429,
      headers: { "content-type": "application/problem+json", "retry-after": "3" },
      body: JSON.stringify({ code: "too-many-requests", title: "Too many requests", status: 429, request_id: "r" }),
    }),
  );
  await page.goto(`${BASE}/login`);
  const button = page.getByRole("button", { name: "Log in" });
  await page.getByLabel("User name").fill("somebody");
  await page.getByLabel("Password").fill("something long");
  await button.click();
  await page.getByText(/try again in \d s/).waitFor();
  assert.ok(await button.isDisabled());
  await page.getByText(/try again in/).waitFor({ state: "detached", timeout: 6000 });
  assert.ok(await button.isEnabled());
  await browser.close();
});
