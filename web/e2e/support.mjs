// What every story needs: a fresh browser, the server's address, a logged-in page, the API beside
// it, and a watch on console errors and on requests that leave the server.
//
// Environment: BASE_URL (the server), CHROMIUM_PATH, ADMIN_USER and ADMIN_PASSWORD (made by the
// first story, or existing), SETUP_TOKEN or SETUP_URL (on a new server), REPORT (a Trivy report;
// a small one is built in), SCREENSHOTS (a directory; without it none are taken).
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

export const BASE = (process.env.BASE_URL ?? "http://127.0.0.1:8000").replace(/\/$/, "");
export const ADMIN = {
  username: process.env.ADMIN_USER ?? "admin",
  password: process.env.ADMIN_PASSWORD ?? "correct horse battery",
};
/** The condition for what counts as open, as the dashboard means it. */
export const OPEN = "is_open=true";
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1360, height: 860 };

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The set-up token, from itself or from the link that the server prints. */
export function setupToken() {
  if (process.env.SETUP_TOKEN) return process.env.SETUP_TOKEN;
  const link = process.env.SETUP_URL;
  return link ? new URLSearchParams(new URL(link).hash.slice(1)).get("token") : undefined;
}

/** A browser of its own for the story `t`; `close` also checks what was watched. */
export async function open(t, options = {}) {
  const profile = await mkdtemp(path.join(tmpdir(), "vulnzero-e2e-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: FLAGS,
    viewport: DESK,
    colorScheme: "light",
    reducedMotion: "reduce",
    ...options,
  });
  // A story that fails half-way must not leave its browser behind.
  t.after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const watched = watch(page);
  return {
    context,
    page,
    ...watched,
    async close() {
      await context.close();
      assert.deepEqual(watched.errors, [], "no error on the console");
      assert.deepEqual(watched.foreign, [], "no request leaves the server");
    },
  };
}

/** Collects console errors and foreign requests. `expected` statuses were provoked by the story. */
function watch(page) {
  const errors = [];
  const foreign = [];
  const expected = new Set();
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
    // Asking who is logged in is answered with 401 before a log-in; browsers log every such answer.
    const asking = status === 401 && message.location().url.endsWith("/auth/me");
    if (!asking && !expected.has(status)) errors.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${BASE}/`) && !/^(data|blob|about):/.test(url)) foreign.push(url);
  });
  return { errors, foreign, expected };
}

/** Logs in through the form, making the administrator first on a new server. */
export async function login(page, user = ADMIN) {
  await ensureAdmin(page);
  await page.goto(`${BASE}/login`);
  await page.getByLabel("User name").fill(user.username);
  await page.getByLabel("Password").fill(user.password);
  await page.getByRole("button", { name: "Log in" }).click();
  // The address changes a moment before the page does.
  await page.getByRole("button", { name: "Account menu" }).waitFor();
}

async function ensureAdmin(page) {
  const needed = await (await page.request.get(`${BASE}/api/v1/setup`)).json();
  if (!needed.needed) return;
  const token = setupToken();
  assert.ok(token, "a new server needs SETUP_TOKEN or SETUP_URL");
  const answer = await page.request.post(`${BASE}/api/v1/setup`, { data: { token, ...ADMIN } });
  assert.equal(answer.status(), 201, await answer.text());
  await page.context().clearCookies();
}

/** Reads from the API with the page's session. */
export async function get(page, where) {
  const answer = await page.request.get(`${BASE}/api/v1${where}`);
  assert.equal(answer.status(), 200, `${where}: ${await answer.text()}`);
  return answer.json();
}

/** Changes through the API with the page's session, as another tab would. */
export async function patch(page, where, body) {
  return change(page, "patch", where, body, "application/merge-patch+json");
}

export async function post(page, where, body) {
  return change(page, "post", where, body, "application/json");
}

async function change(page, method, where, body, type) {
  const { csrf_token: csrf } = await get(page, "/auth/me");
  const headers = { "X-CSRF-Token": csrf, "Content-Type": type };
  const answer = await page.request[method](`${BASE}/api/v1${where}`, { headers, data: JSON.stringify(body) });
  assert.ok(answer.ok(), `${where}: ${await answer.text()}`);
  return answer.json();
}

/** The report to import: a file, or a small one made here with its own packages. */
export async function report() {
  if (process.env.REPORT) {
    return { name: path.basename(process.env.REPORT), text: await readFile(process.env.REPORT, "utf8") };
  }
  const entry = (id, severity, name, fixed) => ({
    VulnerabilityID: id,
    PkgName: name,
    InstalledVersion: "1.0.0-1",
    ...(fixed && { FixedVersion: fixed }),
    Severity: severity,
    Title: `${name}: a flaw for the test`,
    Description: "<b>Not markup</b>, only text.",
    References: ["https://example.org/advisory", "javascript:alert(1)"],
    CVSS: { nvd: { V3Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", V3Score: 9.8 } },
  });
  const findings = [
    entry("CVE-2024-6387", "CRITICAL", "openssh-server", "1.0.0-2"),
    entry("CVE-2023-4911", "HIGH", "libc6", "1.0.0-3"),
    entry("CVE-2023-44487", "HIGH", "nginx", undefined),
    entry("CVE-2022-48303", "MEDIUM", "tar", "1.0.0-2"),
    entry("CVE-2011-3374", "LOW", "apt", undefined),
  ];
  return { name: "e2e-shop.json", text: image("e2e/shop:1.0", findings) };
}

/** A Trivy report of an image with these findings. */
export function image(name, findings) {
  return JSON.stringify({
    SchemaVersion: 2,
    ArtifactName: name,
    ArtifactType: "container_image",
    Metadata: { OS: { Family: "debian", Name: "12.11" } },
    Results: [{ Target: `${name} (debian 12.11)`, Class: "os-pkgs", Type: "debian", Vulnerabilities: findings }],
  });
}

/** Findings for `image`: so many, each of a vulnerability of its own. */
export function flaws(count) {
  return Array.from({ length: count }, (_, i) => ({
    VulnerabilityID: `CVE-2019-${7000 + i}`,
    PkgName: `package-${i}`,
    InstalledVersion: "1.0",
    Severity: "MEDIUM",
    Title: `A flaw for the test, number ${i}`,
  }));
}

/** An SBOM of an image with these Debian packages, as `name: version`. */
export function bill(name, packages) {
  const components = Object.entries(packages).map(([of, version]) => ({ type: "library", name: of, version, purl: `pkg:deb/debian/${of}@${version}` }));
  return JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.5", metadata: { component: { type: "container", name } }, components });
}

/** A table of hosts with their addresses, each with a finding. */
export function hosts(addresses) {
  const rows = Object.entries(addresses).map(([asset, address]) => `CVE-2017-5754,high,${asset},${address},linux,4.9`);
  return ["id,severity,asset,ip_address,component,version", ...rows].join("\n");
}

/** Imports a report through the API and waits until it is done. */
export async function send(page, file) {
  const { csrf_token: csrf } = await get(page, "/auth/me");
  const answer = await page.request.post(`${BASE}/api/v1/imports?filename=${file.name}&wait=true`, {
    headers: { "X-CSRF-Token": csrf, "Content-Type": "application/octet-stream" },
    data: Buffer.from(file.text),
  });
  assert.ok(answer.ok(), await answer.text());
  const { id } = await answer.json();
  for (;;) {
    const imported = await get(page, `/imports/${id}`);
    if (imported.status !== "pending" && imported.status !== "running") return imported;
    await page.waitForTimeout(200);
  }
}

/** An import that is held back: it would close nearly everything of an image. */
export async function hold(page, name) {
  await send(page, { name: "e2e-whole.json", text: image(name, flaws(14)) });
  return send(page, { name: "e2e-scanty.json", text: image(name, flaws(2)) });
}

/** Drops a file on the page as a desktop would. */
export async function drop(page, file, { check } = {}) {
  const transfer = await page.evaluateHandle(({ name, text }) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name, { type: "application/json" }));
    return data;
  }, file);
  await page.dispatchEvent("#main", "dragenter", { dataTransfer: transfer });
  await page.dispatchEvent("#main", "dragover", { dataTransfer: transfer });
  await check?.();
  await page.dispatchEvent("#main", "drop", { dataTransfer: transfer });
}

/** Makes sure that there are findings to look at. */
export async function seed(page) {
  const { total_count: total } = await get(page, "/findings?page_size=1");
  if (total > 0) return;
  const { status } = await send(page, await report());
  assert.equal(status, "completed");
}

/** The page is done with its first reads. */
export async function settled(page) {
  await page.locator("#main h1").first().waitFor();
  await page.waitForLoadState("networkidle");
}
