/** Tokens: who may call. May import sessions and below. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ServiceError } from "../errors.js";

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** The token of a request, from any of the headers that the source documents use. */
function presentedToken(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  const bearer = authorization && /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const header = request.headers["x-auth-token"] ?? request.headers["x-api-key"] ?? bearer;
  return typeof header === "string" && header !== "" ? header : undefined;
}

export type Authenticate = (request: FastifyRequest) => void;

/**
 * A check that throws UNAUTHENTICATED. Digests are compared instead of tokens, so that the time it
 * takes says nothing about the token, its length included.
 */
export function createAuthenticate(token: string | undefined): Authenticate {
  if (token === undefined) return () => undefined;
  const expected = digest(token);
  return (request) => {
    const presented = presentedToken(request);
    if (presented === undefined || !timingSafeEqual(digest(presented), expected)) {
      throw new ServiceError("UNAUTHENTICATED");
    }
  };
}
