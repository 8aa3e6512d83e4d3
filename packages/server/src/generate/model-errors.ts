/** What can go wrong with a model's server, as errors of our table. None of them carries a key or a prompt. */

import { ServiceError } from "../errors.js";

/** The body of an answer ended before it was complete. */
export class AnswerCut extends Error {
  override readonly name = "AnswerCut";
}

/** The body of an answer has more bytes than anyone should read. */
export class AnswerOverlong extends Error {
  override readonly name = "AnswerOverlong";
}

/** What a model's server said instead of an answer. The AI SDK's error has these and much more. */
export interface UpstreamRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Of what a server says with an error. It is searched for words, and its beginning is shown. */
const BODY_CHARACTERS_MAX = 65_536;
/** Errors wrap errors; a loop among them must not hang us. */
const DEPTH_MAX = 8;

function* causes(error: unknown): Generator<Record<string, unknown>> {
  let current = error;
  for (let depth = 0; depth < DEPTH_MAX && typeof current === "object" && current; depth++) {
    yield current as Record<string, unknown>;
    const { cause, lastError } = current as { cause?: unknown; lastError?: unknown };
    current = cause ?? lastError;
  }
}

/** The answer with an error status, if that is what went wrong. */
export function refusalOf(error: unknown): UpstreamRefusal | undefined {
  for (const one of causes(error)) {
    const { statusCode, responseHeaders, responseBody } = one;
    if (typeof statusCode !== "number" || statusCode < 400) continue;
    return {
      status: statusCode,
      headers: (responseHeaders ?? {}) as Record<string, string>,
      body: typeof responseBody === "string" ? responseBody.slice(0, BODY_CHARACTERS_MAX) : "",
    };
  }
  return undefined;
}

/** What servers answer who cannot read a request, and what those with a fault say who cannot see. */
const UNREAD: ReadonlySet<number> = new Set([400, 404, 413, 415, 422]);
const ABOUT_PICTURES = ["image", "vision", "multimodal", "multi-modal", "mmproj"];

/** Whether a request with pictures may be refused for them. Servers say so in too many ways to be told apart. */
export function mayRefusePictures(error: unknown): boolean {
  const refusal = refusalOf(error);
  if (!refusal) return false;
  const body = refusal.body.toLowerCase();
  return (
    UNREAD.has(refusal.status) ||
    (refusal.status >= 500 && ABOUT_PICTURES.some((word) => body.includes(word)))
  );
}

/** "3", "Wed, 21 Oct 2015 07:28:00 GMT", or milliseconds of their own header. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const milliseconds = Number(headers["retry-after-ms"] ?? Number.NaN);
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds);
  const text = headers["retry-after"];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

const DETAIL_CHARACTERS_MAX = 300;
/** For a server that says "later" and not when. */
export const RETRY_AFTER_MS_DEFAULT = 1000;

/**
 * As an error of our table. The cause is for the server's log: a sentence, never the AI SDK's error,
 * which holds the whole request.
 * @param secret taken out of whatever the other side said
 */
export function toServiceError(error: unknown, secret: string | undefined): ServiceError {
  for (const one of causes(error)) {
    if (one instanceof ServiceError) return one;
    if (one instanceof AnswerOverlong) return new ServiceError("LLM_ANSWER_TOO_LONG");
    if (one instanceof AnswerCut) return new ServiceError("LLM_INCOMPLETE");
  }
  const refusal = refusalOf(error);
  if (!refusal) {
    return new ServiceError("LLM_UPSTREAM_FAILED", "The model's server gave no usable answer.", {
      cause: new Error(detail(messageOf(error), secret)),
    });
  }
  const { status, headers } = refusal;
  const cause = new Error(`it answered ${status}: ${detail(refusal.body, secret)}`);
  if (status === 401 || status === 403) {
    return new ServiceError("LLM_UNAUTHORIZED", undefined, { cause });
  }
  if (status === 429) {
    return new ServiceError("LLM_RATE_LIMITED", undefined, {
      retryAfterMs: retryAfterMs(headers) ?? RETRY_AFTER_MS_DEFAULT,
    });
  }
  if (status === 408 || status === 504) return new ServiceError("LLM_TIMEOUT");
  return new ServiceError("LLM_UPSTREAM_FAILED", `The model's server answered ${status}.`, {
    cause,
  });
}

/** The innermost message says most: "connect ECONNREFUSED" and not "fetch failed". */
function messageOf(error: unknown): string {
  let message = String(error);
  for (const one of causes(error)) {
    if (typeof one["message"] === "string" && one["message"] !== "") message = one["message"];
  }
  return message;
}

function detail(text: string, secret: string | undefined): string {
  const clean = secret ? text.replaceAll(secret, "********") : text;
  return clean.slice(0, DETAIL_CHARACTERS_MAX);
}
