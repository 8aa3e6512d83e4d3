/** Pages of other origins, where CORS_ORIGINS names them. They send their token in a header; cookies mean nothing. */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { App } from "../app-type.js";

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** What such a page may read beside the few that it always may. */
const EXPOSED = [
  "content-disposition",
  "content-range",
  "accept-ranges",
  "etag",
  "retry-after",
  "allow",
  "x-session-id",
].join(", ");
const PREFLIGHT_SECONDS = 600;
const HEADER_CHARACTERS_MAX = 1000;

/** Whether pages of this origin may use the server. */
export type AllowsOrigin = (origin: string) => boolean;

export function allowsOrigin(origins: readonly string[]): AllowsOrigin {
  const all = origins.includes("*");
  const named = new Set(origins);
  return (origin) => all || named.has(origin);
}

/** Before whoever asks is known: a browser's question, and the answer that somebody has no token, must be readable. */
export function answerOtherOrigins(app: App, allows: AllowsOrigin): void {
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined) return done();
    // On the raw answer, as streams of events write their headers themselves and errors take those of routes away.
    reply.raw.setHeader("vary", "Origin");
    if (!allows(origin)) return done();
    reply.raw.setHeader("access-control-allow-origin", origin);
    if (isPreflight(request)) return answerPreflight(request, reply);
    reply.raw.setHeader("access-control-expose-headers", EXPOSED);
    done();
  });
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function answerPreflight({ headers }: FastifyRequest, reply: FastifyReply): void {
  const { raw } = reply;
  const asked = headers["access-control-request-headers"];
  raw.setHeader("vary", "Origin, Access-Control-Request-Headers");
  raw.setHeader("access-control-allow-methods", METHODS);
  raw.setHeader("access-control-max-age", PREFLIGHT_SECONDS);
  if (asked && asked.length <= HEADER_CHARACTERS_MAX) {
    raw.setHeader("access-control-allow-headers", asked);
  }
  if (headers["access-control-request-private-network"] === "true") {
    raw.setHeader("access-control-allow-private-network", "true");
  }
  reply.code(204).send();
}
