/**
 * One HTTP request and its answer: token, timeout, errors, and repeating what is safe to repeat.
 *
 * Repeated are GET, HEAD and DELETE after a broken connection, a 429 or a 503; anything else only
 * after an answer whose code says that nothing was run. An execution that may have begun is never
 * sent twice.
 */

import { boundedText } from "./bounded-text.js";
import { Deadline, pause } from "./deadline.js";
import { ConnectionError, errorOfAnswer, GloveboxError, TimeoutError } from "./errors.js";

export interface TransportOptions {
  readonly baseUrl: URL;
  readonly token: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  readonly retries: number;
}

export interface TransportRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its segments encoded, from the server's root on, without a slash in front. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: RequestBody;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Null: as long as it takes, for executions, whose time the server bounds. */
  readonly timeoutMs?: number | null | undefined;
  /** Statuses beside 2xx with which the server answers in the ordinary shape. */
  readonly accept?: readonly number[];
}

export type RequestBody = string | Blob | FormData | Uint8Array | ReadableStream<Uint8Array>;

/** An answer whose body is still to be read; its reader ends the deadline. */
export interface OpenAnswer {
  readonly response: Response;
  readonly deadline: Deadline;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE"]);
/** These refuse a request before anything was run for it. */
const NOTHING_WAS_RUN: ReadonlySet<string> = new Set([
  "QUOTA_EXCEEDED",
  "TOO_MANY_BODIES",
  "SESSION_BUSY",
  "TOO_MANY_TRANSFERS",
  "POOL_EXHAUSTED",
  "SANDBOX_START_FAILED",
  "SHUTTING_DOWN",
]);
const BACKOFF_MS = 250;
/** A program that would have to wait longer should be told instead. */
const RETRY_WAIT_MS_MAX = 30_000;

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The JSON of the answer. */
  async json<Body>(request: TransportRequest): Promise<Body> {
    const { response, deadline } = await this.open(request);
    try {
      const text = await boundedText(response);
      const body = parseObject(text, response.status);
      if (!response.ok && "error" in body) throw errorOfAnswer(body, response.status);
      return body as Body;
    } catch (error) {
      throw this.#explain(error, request, deadline);
    } finally {
      deadline.end();
    }
  }

  /** For requests that are answered with nothing. */
  async done(request: TransportRequest): Promise<void> {
    const { response, deadline } = await this.open(request);
    deadline.end();
    await response.body?.cancel();
  }

  /** The body is the caller's to read; only the time until it begins is bounded. */
  async open(request: TransportRequest): Promise<OpenAnswer> {
    let mayHaveHappened = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        if (mayHaveHappened && isGone(request, error)) return noContent();
        const delayMs =
          attempt < this.#options.retries ? retryDelay(request, error, attempt) : null;
        if (delayMs === null) throw error;
        mayHaveHappened ||= ConnectionError.isInstance(error);
        await pause(delayMs, request.signal);
      }
    }
  }

  async #attempt(request: TransportRequest): Promise<OpenAnswer> {
    const { fetch, timeoutMs } = this.#options;
    const bound = request.timeoutMs === undefined ? timeoutMs : request.timeoutMs;
    const deadline = new Deadline(request.signal, bound ?? undefined);
    try {
      const response = await fetch(this.#url(request), this.#init(request, deadline.signal));
      if (response.ok || request.accept?.includes(response.status)) return { response, deadline };
      throw errorOfAnswer(
        tryParseJson(await boundedText(response)),
        response.status,
        retryAfterMs(response.headers),
      );
    } catch (error) {
      deadline.end();
      throw this.#explain(error, request, deadline);
    }
  }

  #url({ path, query = {} }: TransportRequest): string {
    const { baseUrl } = this.#options;
    const url = new URL(baseUrl.pathname + path, baseUrl);
    // A name such as `..` would lead to another route, and no server could tell.
    if (url.pathname !== baseUrl.pathname + path) {
      throw new GloveboxError(
        "INVALID_ARGUMENT",
        "A name in this request cannot be part of a URL.",
      );
    }
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  #init(request: TransportRequest, signal: AbortSignal): RequestInit {
    const { token } = this.#options;
    const headers: Record<string, string> = { accept: "application/json", ...request.headers };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    // A redirect would turn a POST into a GET, or carry code and token to somewhere else.
    const init: RequestInit = { method: request.method, headers, signal, redirect: "error" };
    if (request.json !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(request.json);
    } else if (request.body !== undefined) {
      init.body = request.body as NonNullable<RequestInit["body"]>;
      // Demanded by fetch for a body that is a stream, and not yet part of TypeScript's types.
      if (request.body instanceof ReadableStream) Object.assign(init, { duplex: "half" });
    }
    return init;
  }

  /** What fetch throws says little; an abort by the caller stays what it is. */
  #explain(error: unknown, request: TransportRequest, deadline: Deadline): unknown {
    if (GloveboxError.isInstance(error) || request.signal?.aborted) return error;
    const { origin } = this.#options.baseUrl;
    if (deadline.expired) {
      return new TimeoutError("TIMEOUT", `There was no answer from ${origin} in time.`, {
        cause: error,
        hint: "Raise timeoutMs, or look at GET /health and the server's log.",
      });
    }
    return brokenConnection(origin, error);
  }
}

function brokenConnection(origin: string, cause: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_FAILED", `No answer from ${origin}: ${reason(cause)}.`, {
    cause,
    hint: "Is the server running, and is baseUrl right? In a browser it must allow this origin.",
  });
}

/** Node hides the reason in the cause of "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}

/** How long to wait before the request is sent again; null when it must not be. */
function retryDelay(request: TransportRequest, error: unknown, attempt: number): number | null {
  if (request.body instanceof ReadableStream) return null;
  const safe = SAFE_METHODS.has(request.method);
  const backoffMs = BACKOFF_MS * 2 ** attempt * (0.75 + Math.random() / 2);
  if (ConnectionError.isInstance(error)) return safe ? backoffMs : null;
  if (!GloveboxError.isInstance(error) || (error.status !== 429 && error.status !== 503)) {
    return null;
  }
  if (error.code === "PANICKED" || error.code === "ISOLATION_UNAVAILABLE") return null;
  if (safe) return within(error.retryAfterMs ?? backoffMs);
  if (!NOTHING_WAS_RUN.has(error.code) || error.retryAfterMs === undefined) return null;
  return within(error.retryAfterMs);
}

function within(delayMs: number): number | null {
  return delayMs <= RETRY_WAIT_MS_MAX ? delayMs : null;
}

/** The first DELETE may have arrived although its answer did not. */
function isGone(request: TransportRequest, error: unknown): boolean {
  return request.method === "DELETE" && GloveboxError.isInstance(error) && error.status === 404;
}

function noContent(): OpenAnswer {
  return { response: new Response(null, { status: 204 }), deadline: new Deadline(undefined) };
}

function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** Every answer in JSON is an object. */
function parseObject(text: string, status: number): object {
  const body = tryParseJson(text);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  const what = body === undefined ? "is not JSON" : "is no JSON object";
  throw new GloveboxError("INVALID_RESPONSE", `The answer, HTTP ${status}, ${what}.`, {
    status,
    hint: "Check baseUrl, and what stands between this program and the server.",
  });
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
