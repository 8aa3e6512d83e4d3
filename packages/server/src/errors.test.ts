import { describe, expect, test } from "vitest";
import { type ErrorCode, errorTable, ServiceError, toWireError } from "./errors.js";

const codes = Object.keys(errorTable) as ErrorCode[];

describe("the error table", () => {
  test.each(codes)("%s has a code of capitals, an error status and a sentence", (code) => {
    const { status, message, hint } = errorTable[code];
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(message).toMatch(/^[A-Z].*\.$/);
    if (hint !== undefined) expect(hint).toMatch(/\.$/);
  });

  test("what the caller did wrong is not worth a retry, but waiting is", () => {
    const retryable = codes.filter((code) => {
      const { status, retryable } = errorTable[code];
      return status < 500 && status !== 429 && retryable;
    });
    expect(retryable).toEqual([]);
    expect(errorTable.SESSION_BUSY.retryable).toBe(true);
    expect(errorTable.POOL_EXHAUSTED.retryable).toBe(true);
  });
});

describe("ServiceError", () => {
  test("takes the table's message where none is given", () => {
    expect(new ServiceError("NOT_FOUND").message).toBe(errorTable.NOT_FOUND.message);
    expect(new ServiceError("NOT_FOUND", "Another.").message).toBe("Another.");
  });

  test("keeps its cause", () => {
    const cause = new Error("below");
    expect(new ServiceError("INTERNAL", undefined, { cause }).cause).toBe(cause);
  });
});

describe("toWireError", () => {
  test("has the one shape, with hint and retry time where there are any", () => {
    const error = new ServiceError("POOL_EXHAUSTED", undefined, { retryAfterMs: 1500 });
    expect(toWireError(error, "req-1")).toEqual({
      detail: errorTable.POOL_EXHAUSTED.message,
      error: {
        code: "POOL_EXHAUSTED",
        message: errorTable.POOL_EXHAUSTED.message,
        hint: errorTable.POOL_EXHAUSTED.hint,
        retry_after_ms: 1500,
        request_id: "req-1",
      },
    });
    expect(toWireError(new ServiceError("INVALID_REQUEST", "code is missing"), "req-2")).toEqual({
      detail: "code is missing",
      error: { code: "INVALID_REQUEST", message: "code is missing", request_id: "req-2" },
    });
  });

  test("never carries a cause or a stack", () => {
    const error = new ServiceError("INTERNAL", undefined, { cause: new Error("the secret") });
    expect(JSON.stringify(toWireError(error, "r"))).not.toMatch(/secret|stack|\.ts/);
  });
});
