/** Every request behind authentication is counted, and its principal asked once more before its route acts. */

import type { FastifyInstance } from "fastify";
import type { InFlight } from "./in-flight.js";

/**
 * Registered right after the hook that authenticates, so that it runs on every route there is and ever will be,
 * and before a body is read. Public routes have no principal.
 */
export function countRequests(app: Pick<FastifyInstance, "addHook">, inFlight: InFlight): void {
  app.addHook("onRequest", ({ principal, raw }, reply, done) => {
    try {
      if (principal) inFlight.enter(principal, raw.socket, reply.raw);
    } catch (error) {
      // Connections are what is to be spared.
      if (inFlight.isFull(principal.id)) reply.header("connection", "close");
      done(error as Error);
      return;
    }
    done();
  });
  // A body may take long to come.
  app.addHook("preHandler", ({ principal }, _reply, done) => {
    try {
      principal?.assertAlive();
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
}
