import fastify from "fastify";
import { afterAll, describe, expect, test } from "vitest";
import { ServiceError } from "../errors.js";
import { createAuthenticate } from "./auth.js";

const token = "the-right-token-0123";

function appWith(expected: string | undefined) {
  const app = fastify();
  const authenticate = createAuthenticate(expected);
  app.addHook("onRequest", async (request) => authenticate(request));
  app.setErrorHandler((error, _request, reply) => {
    reply.status(error instanceof ServiceError ? 401 : 500).send({
      code: error instanceof ServiceError ? error.code : String(error),
    });
  });
  app.get("/", async () => "in");
  afterAll(() => app.close());
  return async (headers: Record<string, string | string[]>) =>
    (await app.inject({ method: "GET", url: "/", headers })).statusCode;
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
    expect(await ask(headers)).toBe(200);
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

test("without a token everyone is let in", async () => {
  const askOpen = appWith(undefined);
  expect(await askOpen({})).toBe(200);
  expect(await askOpen({ "x-auth-token": "anything" })).toBe(200);
});
