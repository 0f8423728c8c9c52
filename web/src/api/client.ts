// The one place that talks to the server: query strings, JSON, CSRF, versions, errors. It knows
// no page and keeps no data; session handling hooks in by `onSessionLost`.
import { Problem, offline, problemFrom } from "./problem.ts";
import type { Session } from "./types.ts";

export const BASE = "/api/v1";

export type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Record<string, QueryValue>;
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface RequestOptions {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** Record version for `If-Match`. */
  version?: number;
  signal?: AbortSignal;
}

let csrfToken: string | undefined;
let sessionLost: (() => void) | undefined;

/** Told by the session: the token that unsafe methods must carry. */
export function setCsrfToken(token: string | undefined): void {
  csrfToken = token;
}

export function currentCsrfToken(): string | undefined {
  return csrfToken;
}

/** Called whenever an answer says that the session is over. */
export function onSessionLost(handler: () => void): void {
  sessionLost = handler;
}

/** Builds a query string: lists joined by commas, empty values left out, order kept. */
export function queryString(query: Query): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(",") : value === undefined ? "" : String(value);
    // A comma and a colon are legal in a query; keeping them makes addresses readable.
    if (text !== "") parts.push(`${name}=${encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%3A", ":")}`);
  }
  return parts.join("&");
}

export function apiPath(path: string, query: Query = {}): string {
  const search = queryString(query);
  return `${BASE}${path}${search && `?${search}`}`;
}

/** Throws what an error answer says, after telling the session if that is over. */
export function raise(problem: Problem): never {
  if (problem.status === 401 && problem.code !== "bad-credentials") sessionLost?.();
  throw problem;
}

function headersFor(method: Method, options: RequestOptions): Headers {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  if (options.body !== undefined) {
    headers.set("Content-Type", method === "PATCH" ? "application/merge-patch+json" : "application/json");
  }
  if (options.version !== undefined) headers.set("If-Match", `"${options.version}"`);
  if (method !== "GET" && csrfToken !== undefined) headers.set("X-CSRF-Token", csrfToken);
  return headers;
}

async function send(method: Method, path: string, options: RequestOptions): Promise<Response> {
  const init: RequestInit = { method, headers: headersFor(method, options), credentials: "same-origin" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(apiPath(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw offline();
  }
}

/** Another tab may have logged in anew, which changes the token: fetch it once and try again. */
async function refreshCsrfToken(): Promise<boolean> {
  const answer = await send("GET", "/auth/me", {});
  if (!answer.ok) return false;
  const session = (await answer.json()) as Session;
  const changed = session.csrf_token !== undefined && session.csrf_token !== csrfToken;
  csrfToken = session.csrf_token;
  return changed;
}

/**
 * Sends a request and reads its JSON answer (`undefined` for an empty one).
 * @throws {Problem} for every answer that is not 2xx, and when there is none.
 */
export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  let answer = await send(method, path, options);
  let body = await answer.text();
  if (answer.status === 403 && body.includes('"csrf-rejected"') && (await refreshCsrfToken())) {
    answer = await send(method, path, options);
    body = await answer.text();
  }
  if (!answer.ok) raise(problemFrom(answer.status, (name) => answer.headers.get(name), body));
  if (body === "") return undefined as T;
  try {
    return JSON.parse(body) as T;
  } catch {
    const title = "The server's answer is not JSON";
    const remedy = "A proxy in between may have answered; check the address.";
    throw new Problem({ status: answer.status, code: "bad-answer", title, remedy });
  }
}
