/** Where the server is and who asks: options first, then the environment, then what is usual. */

import { GloveboxError } from "./errors.js";
import type { TransportOptions } from "./transport.js";

/** Where the server is, who asks, and how patiently. */
export interface GloveboxOptions {
  /** Default: GLOVEBOX_URL of the environment, else `http://127.0.0.1:8000`. May have a path. */
  readonly baseUrl?: string | URL;
  /** The admin token or a key. Default: GLOVEBOX_TOKEN of the environment, else none. */
  readonly token?: string;
  /** Used instead of the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * For the answer of one request; default 30 seconds. Executions are not bound by it: the server
   * bounds them, and `signal` ends them.
   */
  readonly timeoutMs?: number;
  /** How often a request is repeated where that is safe; default 2, 0 for never. */
  readonly retries?: number;
}

const DEFAULT_URL = "http://127.0.0.1:8000";
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 2;

export function readSettings(options: GloveboxOptions): TransportOptions {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!(timeoutMs > 0)) throw invalid("timeoutMs must be above 0");
  const retries = options.retries ?? DEFAULT_RETRIES;
  if (!Number.isInteger(retries) || retries < 0) throw invalid("retries must be 0 or more");
  return {
    baseUrl: readBaseUrl(options.baseUrl ?? fromEnvironment("GLOVEBOX_URL") ?? DEFAULT_URL),
    token: readToken(options.token ?? fromEnvironment("GLOVEBOX_TOKEN")),
    // Called as a method of something else, a browser's fetch refuses to work.
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    timeoutMs,
    retries,
  };
}

function readBaseUrl(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch (cause) {
    throw invalid(`baseUrl is not a URL: ${String(given)}`, cause);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalid("baseUrl must begin with http:// or https://");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid("baseUrl must not hold a user name or a password; pass the token as token");
  }
  // Paths are resolved against it, which would replace a last segment without a slash.
  const directory = new URL(url.origin);
  directory.pathname = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  return directory;
}

function readToken(given: string | undefined): string | undefined {
  const token = given?.trim();
  if (token === undefined || token === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw invalid("token must be printable ASCII without spaces");
  }
  return token;
}

/** Browsers have no environment, and this package no dependency on Node. */
function fromEnvironment(name: string): string | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  };
  const value = process?.env?.[name];
  return value === "" ? undefined : value;
}

function invalid(message: string, cause?: unknown): GloveboxError {
  return new GloveboxError("INVALID_ARGUMENT", message, { cause });
}
