// What went wrong, as one type: RFC 9457 problems from the server, answers that are not JSON,
// and no answer at all. Pages show it with ui/ProblemBox.svelte; nothing else parses errors.

/** One field that is wrong, and why. */
export interface FieldProblem {
  pointer: string;
  detail: string;
}

interface Fields {
  status: number;
  code: string;
  title: string;
  detail?: string | undefined;
  remedy?: string | undefined;
  requestId?: string | undefined;
  errors?: FieldProblem[];
  retryAfter?: number | undefined;
}

export class Problem extends Error {
  /** HTTP status; 0 when the server did not answer. */
  readonly status: number;
  /** The server's slug, or `offline`, `bad-answer`, `http-<status>`. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly remedy: string | undefined;
  readonly requestId: string | undefined;
  readonly errors: FieldProblem[];
  /** Seconds to wait, when the server says so. */
  readonly retryAfter: number | undefined;

  constructor(fields: Fields) {
    super(fields.detail ? `${fields.title}: ${fields.detail}` : fields.title);
    this.name = "Problem";
    this.status = fields.status;
    this.code = fields.code;
    this.title = fields.title;
    this.detail = fields.detail;
    this.remedy = fields.remedy;
    this.requestId = fields.requestId;
    this.errors = fields.errors ?? [];
    this.retryAfter = fields.retryAfter;
  }

  /** The most telling part of it, for where there is only a line. */
  get brief(): string {
    return this.errors[0]?.detail ?? this.detail ?? this.title;
  }

  /** The detail for one field of a form, if the server named it by pointer or name. */
  field(name: string): string | undefined {
    return this.errors.find((e) => e.pointer === name || e.pointer === `/${name}`)?.detail;
  }
}

/** `Retry-After` is seconds or a date; both become seconds from `now`, at least 1. */
export function parseRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(1, Math.ceil(seconds));
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(1, Math.ceil((at - now) / 1000));
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

function fieldProblems(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const { pointer, detail } = (entry ?? {}) as Record<string, unknown>;
    return typeof pointer === "string" && typeof detail === "string" ? [{ pointer, detail }] : [];
  });
}

const STATUS_TITLES: Record<number, string> = {
  401: "Authentication is required",
  403: "This is not allowed",
  404: "Not found",
  413: "The file is too large",
  429: "Too many requests",
  502: "The server behind the proxy does not answer",
  503: "The server is not available",
  504: "The server took too long",
};

/** Reads an error answer; a proxy's HTML page gives a problem too, from its status alone. */
export function problemFrom(status: number, header: (name: string) => string | null, body: string): Problem {
  let json: Record<string, unknown> = {};
  if ((header("content-type") ?? "").includes("json")) {
    try {
      json = (JSON.parse(body) ?? {}) as Record<string, unknown>;
    } catch {
      // Cut off on the way: the status still says what happened.
      json = {};
    }
  }
  return new Problem({
    status,
    code: text(json["code"]) ?? `http-${status}`,
    title: text(json["title"]) ?? STATUS_TITLES[status] ?? `The server answered ${status}`,
    detail: text(json["detail"]),
    remedy: text(json["remedy"]),
    requestId: text(json["request_id"]) ?? text(header("x-request-id")),
    errors: fieldProblems(json["errors"]),
    retryAfter: parseRetryAfter(header("retry-after")),
  });
}

/** No answer: the network, the server or a proxy is down. */
export function offline(): Problem {
  return new Problem({
    status: 0,
    code: "offline",
    title: "The server cannot be reached",
    remedy: "Check that the server runs and that you are connected, then try again.",
  });
}

/** Turns whatever was thrown into a problem; a defect of the page shows as one, too. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new Problem({ status: 0, code: "page-error", title: "The page failed", detail, remedy: "Reload the page." });
}
