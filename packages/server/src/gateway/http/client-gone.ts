/** How everything that works for a client learns that it went before it had its answer. */

import type { FastifyReply } from "fastify";

/**
 * `listener` is called at the end of every answer as well: what is over by then must not mind. An answer that is
 * worked for has the socket, see http/connections.ts, so its "close" tells the end of either.
 */
export function onClientGone({ raw, request }: FastifyReply, listener: () => void): void {
  // It may have gone while something else was waited for.
  if (raw.destroyed || request.raw.socket.destroyed) listener();
  else raw.once("close", listener);
}
