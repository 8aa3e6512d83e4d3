import { createHash } from "node:crypto";
import fastify from "fastify";
import { afterAll, describe, expect, test } from "vitest";
import { Account } from "../access/account.js";
import { KeyPrincipal, type Principal } from "../access/principal.js";
import { errorTable, ServiceError } from "../errors.js";
import { createAuthenticate, requireAdmin } from "./auth.js";

const token = "the-right-token-0123";
const secrets = { gbx_executes: "execute", gbx_administers: "admin" } as const;

function findKey(hash: string): Principal | undefined {
  const found = Object.entries(secrets).find(
    ([secret]) => createHash("sha256").update(secret).digest("hex") === hash,
  );
  if (!found) return undefined;
  const [, role] = found;
  return new KeyPrincipal({ id: `key_${role}`, name: role, role }, new Account({}));
}

function appWith(expected: string | undefined) {
  const app = fastify();
  const authenticate = createAuthenticate({
    adminToken: expected,
    findKey,
    allowsOrigin: (origin) => origin === "https://listed.example",
  });
  app.addHook("onRequest", async (request) => {
    request.principal = authenticate(request);
  });
  app.setErrorHandler((error, _request, reply) => {
    const status = error instanceof ServiceError ? errorTable[error.code].status : 500;
    reply.status(status).send(String(error));
  });
  app.get("/", async ({ principal }) => principal.id);
  app.get("/admin", { onRequest: requireAdmin }, async () => "in");
  afterAll(() => app.close());
  return async (headers: Record<string, string | string[]>, url = "/") => {
    const { statusCode, body } = await app.inject({ method: "GET", url, headers });
    return statusCode === 200 && url === "/" ? body : statusCode;
  };
}

const ask = appWith(token);

describe("with a token", () => {
  test.each([
    [{ "x-auth-token": token }],
    [{ "X-Auth-Token": token }],
    [{ "x-api-key": token }],
    [{ authorization: `Bearer ${token}` }],
    [{ authorization: `bearer   ${token}` }],
    [{ "x-auth-token": token, authorization: "Bearer something-else" }],
  ])("%j is let in", async (headers) => {
    expect(await ask(headers)).toBe("admin");
  });

  test.each([
    [{}],
    [{ "x-auth-token": "" }],
    [{ "x-auth-token": token.slice(1) }],
    [{ "x-auth-token": `${token}x` }],
    [{ "x-auth-token": token.toUpperCase() }],
    [{ "x-auth-token": "x".repeat(10_000) }],
    [{ "x-auth-token": "\u00e4" }],
    [{ "x-auth-token": [token, token] }],
    [{ "x-auth-token": "wrong", "x-api-key": token }],
    [{ authorization: token }],
    [{ authorization: "Bearer" }],
    [{ authorization: "Bearer " }],
    [{ authorization: `Basic ${token}` }],
    [{ authorization: `Bearer ${token} ${token}` }],
    [{ authorization: `Bearer ${token}, Bearer ${token}` }],
    [{ cookie: `token=${token}` }],
  ])("%j is refused", async (headers) => {
    expect(await ask(headers)).toBe(401);
  });
});

test("a key is let in as itself, through the same headers", async () => {
  expect(await ask({ "x-auth-token": "gbx_executes" })).toBe("key_execute");
  expect(await ask({ authorization: "Bearer gbx_administers" })).toBe("key_admin");
  expect(await ask({ "x-api-key": "gbx_execute" })).toBe(401);
});

test("a route that is the admins' refuses executing keys, and nobody else", async () => {
  expect(await ask({ "x-auth-token": token }, "/admin")).toBe(200);
  expect(await ask({ "x-auth-token": "gbx_administers" }, "/admin")).toBe(200);
  expect(await ask({ "x-auth-token": "gbx_executes" }, "/admin")).toBe(403);
  expect(await ask({}, "/admin")).toBe(401);
});

test("without a token everyone is the admin", async () => {
  const askOpen = appWith(undefined);
  expect(await askOpen({})).toBe("admin");
  expect(await askOpen({ "x-auth-token": "anything" })).toBe("admin");
  expect(await askOpen({}, "/admin")).toBe(200);
});

describe("without a token", () => {
  const askFreely = appWith(undefined);

  test.each([
    {},
    { host: "127.0.0.1:8000" },
    { host: "localhost" },
    { host: "[::1]:8000", origin: "http://127.0.0.1:3000" },
    { host: "LOCALHOST:8000", origin: "https://app.localhost" },
  ])("this machine is let in: %j", async (headers) => {
    expect(await askFreely(headers)).toBe("admin");
  });

  test.each([
    { host: "evil.example" },
    { host: "127.0.0.1.evil.example" },
    { host: "localhost.evil.example:8000" },
    { host: "evil.example@127.0.0.1@evil.example" },
    { host: "127.0.0.1", origin: "https://evil.example" },
    { host: "127.0.0.1", origin: "null" },
    { host: "127.0.0.1", origin: "file://" },
  ])("pages of others are refused, also under a name that points here: %j", async (headers) => {
    expect(await askFreely(headers)).toBe(403);
  });
});
