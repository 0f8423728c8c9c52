import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onSessionLost, queryString, request, setCsrfToken } from "./client.ts";
import { asProblem, parseRetryAfter, Problem } from "./problem.ts";

type Answer = [status: number, body: string, headers?: Record<string, string>];
const PROBLEM = { "content-type": "application/problem+json" };

/** Answers requests in order and keeps what was sent. */
function server(...answers: Answer[]) {
  const sent: { url: string; init: RequestInit; headers: Headers }[] = [];
  const fake = vi.fn((url: string, init: RequestInit) => {
    sent.push({ url, init, headers: init.headers as Headers });
    const [status, body, headers] = answers.shift() ?? [500, ""];
    return Promise.resolve(new Response(status === 204 ? null : body, { status, headers: headers ?? { "content-type": "application/json" } }));
  });
  vi.stubGlobal("fetch", fake);
  return sent;
}

async function failure(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.then(
    () => expect.fail("it should have failed"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Problem);
  return error as Problem;
}

const lost = vi.fn<() => void>();
beforeEach(() => {
  lost.mockReset();
  onSessionLost(lost);
  setCsrfToken("c-1");
});
afterEach(() => vi.unstubAllGlobals());

describe("request", () => {
  it("builds the address and reads the answer", async () => {
    const sent = server([200, '{"items":[]}']);
    const query = { severity: ["critical", "high"], search: "a b&c", page: 2, kev: false, asset: "", cve_id: undefined };
    expect(await request("GET", "/findings", { query })).toEqual({ items: [] });
    expect(sent[0]?.url).toBe("/api/v1/findings?severity=critical,high&search=a%20b%26c&page=2&kev=false");
    expect(sent[0]?.headers.has("x-csrf-token")).toBe(false);
  });

  it("sends the CSRF token and the version with changes", async () => {
    const sent = server([200, "{}"]);
    await request("PATCH", "/findings/3", { body: { notes: null }, version: 7 });
    const headers = sent[0]?.headers;
    expect(headers?.get("x-csrf-token")).toBe("c-1");
    expect(headers?.get("if-match")).toBe('"7"');
    expect(headers?.get("content-type")).toBe("application/merge-patch+json");
    expect(sent[0]?.init.body).toBe('{"notes":null}');
  });

  it("takes an empty answer", async () => {
    server([204, ""]);
    expect(await request("DELETE", "/tokens/1")).toBeUndefined();
  });

  it("turns a problem answer into a Problem", async () => {
    const body = { code: "invalid", title: "The content is not acceptable", detail: "d", remedy: "r", request_id: "q1", errors: [{ pointer: "/name", detail: "too long" }] };
    server([422, JSON.stringify(body), PROBLEM]);
    const problem = await failure(request("POST", "/tokens", { body: {} }));
    expect(problem).toMatchObject({ status: 422, code: "invalid", title: body.title, detail: "d", remedy: "r", requestId: "q1" });
    expect(problem.field("name")).toBe("too long");
    expect(problem.field("role")).toBeUndefined();
    expect(lost).not.toHaveBeenCalled();
  });

  it("understands a proxy's page and a broken problem", async () => {
    server([502, "<html>Bad gateway</html>", { "content-type": "text/html", "x-request-id": "p9" }]);
    expect(await failure(request("GET", "/stats"))).toMatchObject({ code: "http-502", status: 502, requestId: "p9" });
    server([503, '{"title":"cut o', { ...PROBLEM, "retry-after": "12" }]);
    expect(await failure(request("GET", "/stats"))).toMatchObject({ status: 503, retryAfter: 12 });
    server([200, "<html>", { "content-type": "text/html" }]);
    expect(await failure(request("GET", "/stats"))).toMatchObject({ code: "bad-answer" });
  });

  it("tells the session when it is over, but not for a wrong password", async () => {
    server([401, '{"code":"unauthenticated","title":"t"}', PROBLEM], [401, '{"code":"bad-credentials","title":"t"}', PROBLEM]);
    await failure(request("GET", "/stats"));
    expect(lost).toHaveBeenCalledTimes(1);
    await failure(request("POST", "/auth/login", { body: {} }));
    expect(lost).toHaveBeenCalledTimes(1);
  });

  it("fetches a new CSRF token once and tries again", async () => {
    const rejected: Answer = [403, '{"code":"csrf-rejected","title":"t"}', PROBLEM];
    const sent = server(rejected, [200, '{"csrf_token":"c-2"}'], [200, '{"ok":true}']);
    expect(await request("POST", "/x", { body: {} })).toEqual({ ok: true });
    expect(sent.map((s) => s.headers.get("x-csrf-token"))).toEqual(["c-1", null, "c-2"]);
    server(rejected, [200, '{"csrf_token":"c-2"}']);
    expect(await failure(request("POST", "/x", { body: {} }))).toMatchObject({ code: "csrf-rejected" });
  });

  it("says that the server is out of reach, and lets aborting be aborting", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    expect(await failure(request("GET", "/stats"))).toMatchObject({ code: "offline", status: 0 });
    vi.stubGlobal("fetch", () => Promise.reject(new DOMException("x", "AbortError")));
    await expect(request("GET", "/stats")).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("helpers", () => {
  it("leave empty values out of a query", () => {
    expect(queryString({ a: [], b: "", c: undefined, d: 0, e: "1:2" })).toBe("d=0&e=1:2");
  });

  it("read Retry-After as seconds or date", () => {
    const now = Date.parse("2026-08-12T12:00:00Z");
    expect(parseRetryAfter("30", now)).toBe(30);
    expect(parseRetryAfter("Wed, 12 Aug 2026 12:01:00 GMT", now)).toBe(60);
    expect(parseRetryAfter("0", now)).toBe(1);
    expect(parseRetryAfter("soon", now)).toBeUndefined();
    expect(parseRetryAfter(null, now)).toBeUndefined();
  });

  it("make a problem of anything thrown", () => {
    expect(asProblem(new Error("x"))).toMatchObject({ code: "page-error", detail: "x" });
    const problem = new Problem({ status: 1, code: "c", title: "t" });
    expect(asProblem(problem)).toBe(problem);
  });
});
