/** Who may call: finds the principal behind a request. May import sessions, access and below. */

import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { BUILT_IN_ADMIN, type Principal } from "../access/principal.js";
import { ServiceError } from "../errors.js";
import type { AllowsOrigin } from "./http/cors.js";
import { BROWSED_PATHS } from "./http/openapi.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Set before any other hook runs, on every route but the public ones. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** Whether clients of another product may send the token as `Authorization: token` or in the address. */
    readonly takesJupyterTokens?: boolean;
    /** Whether everybody may ask. Such a route tells nothing of anybody. */
    readonly isPublic?: boolean;
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** The token of a request, from any of the headers that the source documents use. */
function presentedToken(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  const bearer = authorization && /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const header =
    request.headers["x-auth-token"] ??
    request.headers["x-api-key"] ??
    bearer ??
    (isBrowsed(request) ? password(authorization) : undefined) ??
    (request.routeOptions.config.takesJupyterTokens ? jupyterToken(request) : undefined);
  return typeof header === "string" && header !== "" ? header : undefined;
}

/** A browser's WebSocket has no headers of the page's own, so its token comes in the address, which is logged nowhere. */
function jupyterToken({ headers: { authorization }, query }: FastifyRequest): unknown {
  const named = authorization && /^token +(\S+)$/i.exec(authorization)?.[1];
  return named || (query as { readonly token?: unknown }).token;
}

/** The password that a browser has asked its user for. The user's name says nothing. */
function password(authorization: string | undefined): string | undefined {
  const basic = authorization && /^Basic +(\S+)$/i.exec(authorization)?.[1];
  if (!basic) return undefined;
  const pair = Buffer.from(basic, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/**
 * Whether a browser may ask for the token: on pages that only show something. It sends the password
 * by itself from then on, also with requests that other pages start, so it counts nowhere else.
 */
export function isBrowsed({ method, routeOptions: { url } }: FastifyRequest): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return BROWSED_PATHS.some((path) => url === path || url?.startsWith(`${path}/`));
}

export interface AuthenticateOptions {
  /** Whether the operator lets pages of this origin in. */
  readonly allowsOrigin: AllowsOrigin;
  /** Undefined for AUTH=none: everyone is the built-in admin. */
  readonly adminToken: string | undefined;
  /** The key whose secret has this SHA-256, in hex. */
  readonly findKey: (hash: string) => Principal | undefined;
}

export type Authenticate = (request: FastifyRequest) => Principal;

/**
 * Without a token, any page in a user's browser could use the server: by a form, or by a host name that points
 * here. Origin gives the first away, Host the second.
 * @throws ServiceError FORBIDDEN
 */
function refuseForeignPages(
  { headers: { host, origin } }: FastifyRequest,
  allowsOrigin: AllowsOrigin,
): void {
  if (host !== undefined && !isLoopback(`http://${host}`)) {
    throw new ServiceError("FORBIDDEN", "With AUTH=none the header Host must name this machine.", {
      hint: "Ask at 127.0.0.1 or localhost, or run the server with a token.",
    });
  }
  if (origin !== undefined && !isLoopback(origin) && !allowsOrigin(origin)) {
    throw new ServiceError("FORBIDDEN", "With AUTH=none no page of another machine may ask.", {
      hint: "Serve the page from 127.0.0.1 or localhost, or run the server with a token.",
    });
  }
}

function isLoopback(address: string): boolean {
  // URL writes every form of an IPv4 address as four numbers; names are never numbers alone.
  const name = URL.parse(address)?.hostname ?? "";
  return /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.[0-9]+){3}|\[::1\])$/.test(name);
}

/**
 * A check that throws UNAUTHENTICATED. Digests are compared instead of tokens, so that the time it
 * takes says nothing about the token, its length included.
 */
export function createAuthenticate({
  adminToken,
  findKey,
  allowsOrigin,
}: AuthenticateOptions): Authenticate {
  if (adminToken === undefined) {
    return (request) => {
      refuseForeignPages(request, allowsOrigin);
      return BUILT_IN_ADMIN;
    };
  }
  const expected = digest(adminToken);
  return (request) => {
    const presented = presentedToken(request);
    if (presented === undefined) throw new ServiceError("UNAUTHENTICATED");
    const hash = digest(presented);
    if (timingSafeEqual(hash, expected)) return BUILT_IN_ADMIN;
    const principal = findKey(hash.toString("hex"));
    if (principal === undefined) throw new ServiceError("UNAUTHENTICATED");
    return principal;
  };
}

/**
 * Marks a route as the admins': `app.get("/status", { onRequest: requireAdmin }, …)`. It runs after
 * the hook that authenticates, and before the body is read.
 */
export function requireAdmin(
  request: FastifyRequest,
  _reply: unknown,
  done: (error?: Error) => void,
): void {
  done(request.principal.role === "admin" ? undefined : new ServiceError("FORBIDDEN"));
}
