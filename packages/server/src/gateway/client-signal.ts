/** Aborted when the client goes before it has its answer. */

import type { FastifyReply } from "fastify";
import { ServiceError } from "../errors.js";

export function clientSignal(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  // "close" comes after a whole answer too, when nobody listens any more.
  reply.raw.once("close", () => {
    abort.abort(new ServiceError("INTERNAL", "The client has gone."));
  });
  return abort.signal;
}
