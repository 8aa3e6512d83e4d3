import fastify, { type FastifyError } from "fastify";
import { expect, test, vi } from "vitest";
import { ServiceError } from "../../errors.js";
import { createErrorLog, sendError, toServiceError } from "./errors.js";

const app = fastify();
app.setErrorHandler((error: FastifyError, request, reply) =>
  sendError(toServiceError(error), request, reply),
);
app.get<{ Params: { code: "TRANSFER_INTERRUPTED" } }>("/:code", async ({ params }, reply) => {
  reply.headers({
    ...{ "content-type": "text/x", "content-length": 5, "content-range": "bytes 0-4/5" },
    ...{ "content-disposition": "inline", etag: '"x"', "last-modified": "today" },
    ...{ "accept-ranges": "bytes", "cache-control": "public", "x-of-this-route": "1" },
    allow: "GET",
  });
  throw new ServiceError(params.code, undefined, { retryAfterMs: 1500 });
});

test("an error has no header of the answer that it takes the place of", async () => {
  const { headers, statusCode } = await app.inject("/TRANSFER_INTERRUPTED");
  expect(statusCode).toBe(503);
  const names = Object.keys(headers).filter((name) => !["date", "connection"].includes(name));
  expect(names.sort()).toEqual(["allow", "content-length", "content-type", "retry-after"]);
  expect(headers["content-type"]).toMatch(/^application\/json/);
  expect(headers["retry-after"]).toBe("2");
});

test("a range that cannot be had tells how long the file is", async () => {
  const { headers } = await app.inject("/RANGE_NOT_SATISFIABLE");
  expect(headers["content-range"]).toBe("bytes 0-4/5");
});

test("that no file can be opened is logged once, without a stack; other errors each time", () => {
  const log = createErrorLog();
  const error = vi.fn();
  const request = { id: "1", log: { error } } as never;
  for (const code of ["EMFILE", "ENFILE", "EMFILE"]) {
    const thrown = Object.assign(new Error("too many open files"), { code });
    log(new ServiceError("INTERNAL", undefined, { cause: thrown }), thrown, request);
  }
  expect(error.mock.calls).toEqual([[{ code: "EMFILE", request_id: "1" }, expect.any(String)]]);
  const thrown = new Error("another");
  for (let count = 0; count < 2; count++) {
    log(new ServiceError("INTERNAL", undefined, { cause: thrown }), thrown, request);
  }
  log(new ServiceError("POOL_EXHAUSTED"), thrown, request);
  log(new ServiceError("NOT_FOUND", undefined, { cause: thrown }), thrown, request);
  expect(error).toHaveBeenCalledTimes(3);
});
