/**
 * The answer to a request that is refused while its body still comes. The client must be able to read it: closing
 * at once would reset the connection under it, and keeping it open would mean to take the whole body.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { errorTable, retryAfter, type ServiceError, toWireError } from "../../errors.js";
import { BytesInTime } from "../../sandbox/turns.js";

/** How long a client that is refused while it sends gets to read why. */
const LINGER_MS = 2000;
/** So much may still come without harm, and the connection serves on. */
const SMALL_BYTES = 64 * 1024;
/** Of all bodies together. As fast as they come, forty that are refused at once would take half of the gateway's time. */
const discarding = new BytesInTime({ atOnce: 2 ** 23, perMs: 64_000 });

/** Whether more of a body is to come than is worth taking for nothing. */
export function hasMuchToSend({ complete, readableEnded, headers }: IncomingMessage): boolean {
  if (complete || readableEnded) return false;
  if (headers["transfer-encoding"] !== undefined) return true;
  return Number(headers["content-length"] ?? 0) > SMALL_BYTES;
}

/** A hook of a route: what is wrong whatever the body says is told before a large one is taken. */
export function beforeLargeBody(check: (request: FastifyRequest, reply: FastifyReply) => void) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (hasMuchToSend(request.raw)) check(request, reply);
  };
}

/** Answers with what the reply has as headers, and closes the connection when the body ends, or soon. */
export async function refuse(reply: FastifyReply, error: ServiceError): Promise<void> {
  const { raw, request } = reply;
  const answer = JSON.stringify(toWireError(error, request.id));
  const headers = reply.getHeaders() as OutgoingHttpHeaders;
  reply.hijack();
  if (raw.destroyed) return;
  const seconds = retryAfter(error);
  raw.writeHead(errorTable[error.code].status, {
    ...headers,
    ...(seconds === undefined ? {} : { "retry-after": seconds }),
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(answer),
    connection: "close",
  });
  if (request.method !== "HEAD") raw.write(answer);
  await discard(request.raw);
  raw.end();
}

function discard(body: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    body.on("data", (piece: Buffer) => {
      const turn = discarding.take(piece.length);
      if (turn === undefined) return;
      body.pause();
      void turn.then(() => body.resume());
    });
    body.once("end", done).once("close", done).once("error", done).resume();
  });
}
