/** How everything that works for a client learns that it went before it had its answer. */

import type { FastifyReply } from "fastify";
import { ServiceError } from "../errors.js";

/** `listener` is called at the end of every answer as well: what is over by then must not mind. */
export function onClientGone(reply: FastifyReply, listener: () => void): void {
  // It may have gone while something else was waited for.
  if (reply.raw.destroyed) listener();
  else reply.raw.once("close", listener);
}

/** Aborted when the client goes. After a whole answer nobody listens any more. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  onClientGone(reply, () => abort.abort(new ServiceError("INTERNAL", "The client has gone.")));
  return abort.signal;
}
