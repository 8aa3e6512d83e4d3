/** Everything that goes wrong between a program and its answer. Code that fails is no error. */

import type { ErrorCode } from "./wire.js";

/** What only a client can find. */
export type ClientErrorCode =
  /** No answer, or one that broke off. */
  | "CONNECTION_FAILED"
  /** No answer within `timeoutMs`. */
  | "TIMEOUT"
  /** The program stopped reading a stream. */
  | "STREAM_CLOSED"
  /** An answer that is not Glovebox's. */
  | "INVALID_RESPONSE"
  /** Arguments that could never become a request. */
  | "INVALID_ARGUMENT";

/** Those this version knows; a newer server may send others. */
export type GloveboxErrorCode = ErrorCode | ClientErrorCode | (string & {});

/** What is known of an error beside its code and message. */
export interface GloveboxErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Of the HTTP answer; undefined where there was none. */
  readonly status?: number | undefined;
  /** The server's name for the request, as its log has it. */
  readonly requestId?: string | undefined;
  /** How long to wait before another try, where the server says so. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Registered, so that two copies of this package in one program know each other's errors. */
const BRAND = Symbol.for("glovebox.sdk.error");

function isBranded(error: unknown, name?: string): boolean {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return name === undefined || ("name" in error && error.name === name);
}

/** The base of all errors of this package. */
export class GloveboxError extends Error {
  // Written out in each class, as minifiers rename them.
  override readonly name: string = "GloveboxError";
  /** Stable; what programs look at. */
  readonly code: GloveboxErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** Of the HTTP answer. */
  readonly status: number | undefined;
  /** Found again in the server's log. */
  readonly requestId: string | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: GloveboxErrorCode, message: string, details: GloveboxErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Object.defineProperty(this, BRAND, { value: true });
    this.code = code;
    this.hint = details.hint;
    this.status = details.status;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** Like `instanceof`, and true for errors of another copy of this package, too. */
  static isInstance(error: unknown): error is GloveboxError {
    return isBranded(error);
  }
}

/** No token or a wrong one (401), or one that opens this only to admins (403). */
export class AuthenticationError extends GloveboxError {
  override readonly name = "AuthenticationError";

  static override isInstance(error: unknown): error is AuthenticationError {
    return isBranded(error, "AuthenticationError");
  }
}

/** There is no such session, execution, file, key or sandbox (404). */
export class NotFoundError extends GloveboxError {
  override readonly name = "NotFoundError";

  static override isInstance(error: unknown): error is NotFoundError {
    return isBranded(error, "NotFoundError");
  }
}

/** Too much was asked by this key or of this session (429). */
export class RateLimitError extends GloveboxError {
  override readonly name = "RateLimitError";

  static override isInstance(error: unknown): error is RateLimitError {
    return isBranded(error, "RateLimitError");
  }
}

/** The server has no room, or lets nothing in now (503). */
export class CapacityError extends GloveboxError {
  override readonly name = "CapacityError";

  static override isInstance(error: unknown): error is CapacityError {
    return isBranded(error, "CapacityError");
  }
}

/** The server was not reached, or the connection broke. What was asked for may have happened. */
export class ConnectionError extends GloveboxError {
  override readonly name = "ConnectionError";

  static override isInstance(error: unknown): error is ConnectionError {
    return isBranded(error, "ConnectionError");
  }
}

/** There was no answer within `timeoutMs`. What was asked for may have happened. */
export class TimeoutError extends GloveboxError {
  override readonly name = "TimeoutError";

  static override isInstance(error: unknown): error is TimeoutError {
    return isBranded(error, "TimeoutError");
  }
}

const BY_STATUS: Readonly<Record<number, typeof GloveboxError>> = {
  401: AuthenticationError,
  404: NotFoundError,
  429: RateLimitError,
  503: CapacityError,
};

/** The error of an answer, or of a `failure` event, which has no status of its own. */
export function errorOfAnswer(
  body: unknown,
  status: number | undefined,
  retryAfterMs?: number,
): GloveboxError {
  const told = readWireError(body);
  if (!told) {
    return new GloveboxError("INVALID_RESPONSE", `The answer, HTTP ${status}, is not Glovebox's.`, {
      status,
      retryAfterMs,
      hint: "Check baseUrl, and what stands between this program and the server.",
    });
  }
  const ErrorClass =
    // The other 403s are about files, and no better token helps.
    told.code === "FORBIDDEN"
      ? AuthenticationError
      : (BY_STATUS[status ?? STATUS_OF_FAILURES[told.code] ?? 0] ?? GloveboxError);
  return new ErrorClass(told.code, told.message, {
    hint: told.hint,
    status,
    requestId: told.request_id,
    retryAfterMs: told.retry_after_ms ?? retryAfterMs,
  });
}

/** Errors that a run can still meet when its events have begun, because it was waiting. */
const STATUS_OF_FAILURES: Readonly<Record<string, number>> = {
  SESSION_NOT_FOUND: 404,
  SESSION_BUSY: 429,
  QUOTA_EXCEEDED: 429,
  POOL_EXHAUSTED: 503,
  SANDBOX_START_FAILED: 503,
  SHUTTING_DOWN: 503,
  PANICKED: 503,
};

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly retry_after_ms: number | undefined;
  readonly request_id: string | undefined;
}

/** Looked at field by field, as a proxy may have answered in a shape of its own. */
function readWireError(body: unknown): ToldError | undefined {
  const error = isRecord(body) ? body["error"] : undefined;
  if (!isRecord(error)) return undefined;
  const { code, message, hint, retry_after_ms, request_id } = error;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return {
    code,
    message,
    hint: typeof hint === "string" ? hint : undefined,
    retry_after_ms: typeof retry_after_ms === "number" ? retry_after_ms : undefined,
    request_id: typeof request_id === "string" ? request_id : undefined,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
