/** How errors are answered: everything that is thrown gets a row of the table, and the one shape. */

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorCode, errorTable, retryAfter, ServiceError, toWireError } from "../../errors.js";
import { hasMuchToSend, refuse } from "./refusal.js";
import { describeValidation } from "./validation.js";

const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "REQUEST_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
};

/** Everything that is not ours and not the caller's fault becomes INTERNAL, without its message. */
export function toServiceError(error: FastifyError | ServiceError): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error.validation) return new ServiceError("INVALID_REQUEST", describeValidation(error));
  if (error.code === "FST_ERR_BAD_URL") {
    const problem = "the address is not valid UTF-8, or has a % that stands for itself";
    return new ServiceError("INVALID_REQUEST", problem, { hint: "Write % as %25." });
  }
  const code = FASTIFY_CODES[error.code];
  if (code) return new ServiceError(code);
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new ServiceError("INVALID_REQUEST", error.message);
  }
  return new ServiceError("INTERNAL", undefined, { cause: error });
}

/** What an error may say in headers. Everything else that a route has set is about its own answer. */
const HEADERS_OF_ERRORS: ReadonlySet<string> = new Set([
  "allow",
  "connection",
  "www-authenticate",
  "vary",
  "access-control-allow-origin",
  "access-control-expose-headers",
]);

export function sendError(error: ServiceError, request: FastifyRequest, reply: FastifyReply): void {
  for (const name of Object.keys(reply.getHeaders())) {
    // Here it tells how long the file is of which the range was asked.
    if (name === "content-range" && error.code === "RANGE_NOT_SATISFIABLE") continue;
    if (!HEADERS_OF_ERRORS.has(name)) reply.removeHeader(name);
  }
  if (hasMuchToSend(request.raw)) {
    void refuse(reply, error);
    return;
  }
  // The rest of a body would be in the way of the next request.
  request.raw.resume();
  const seconds = retryAfter(error);
  if (seconds !== undefined) reply.header("retry-after", seconds);
  reply.status(errorTable[error.code].status).send(toWireError(error, request.id));
}

/** What is full then, and what each request would log for as long as it is. */
const EXHAUSTED_CODES: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);
const EXHAUSTED_EVERY_MS = 60_000;

/** Logs errors that are the server's own, and what is exhausted once a minute and in one line. */
export function createErrorLog() {
  let exhaustedAtMs = Number.NEGATIVE_INFINITY;
  return (known: ServiceError, thrown: Error, request: FastifyRequest): void => {
    // Without a cause it is an answer like any other, such as that all places are taken.
    if (errorTable[known.code].status < 500 || known.cause === undefined) return;
    const { code } = known.cause as { code?: unknown };
    if (!EXHAUSTED_CODES.has(code)) {
      request.log.error({ err: thrown, request_id: request.id }, known.code);
      return;
    }
    const now = performance.now();
    if (now - exhaustedAtMs < EXHAUSTED_EVERY_MS) return;
    exhaustedAtMs = now;
    request.log.error({ code, request_id: request.id }, "no more files can be opened");
  };
}

/** What the HTTP parser refuses never becomes a request; it still gets the one shape of errors. */
export function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const message = tooLarge ? "The headers are too large." : "The request is not valid HTTP.";
  const status = tooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request";
  answerByHand(socket, status, new ServiceError("INVALID_REQUEST", message));
}

/** For what has no response. The connection ends with it. */
export function answerByHand(socket: Duplex, status: string, error: ServiceError): void {
  const body = JSON.stringify(toWireError(error, "none"));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
