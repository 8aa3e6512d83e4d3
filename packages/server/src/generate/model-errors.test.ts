import { describe, expect, test } from "vitest";
import { ServiceError } from "../errors.js";
import {
  AnswerCut,
  AnswerOverlong,
  mayRefusePictures,
  retryAfterMs,
  toServiceError,
} from "./model-errors.js";

const KEY = "sk-secret";

function refusal(statusCode: number, responseHeaders = {}, responseBody = "") {
  return Object.assign(new Error("API call failed"), {
    ...{ statusCode, responseHeaders, responseBody },
    requestBodyValues: { messages: ["the whole prompt"] },
  });
}

describe("an error of the AI SDK", () => {
  test.each([
    [refusal(401), "LLM_UNAUTHORIZED"],
    [refusal(403), "LLM_UNAUTHORIZED"],
    [refusal(429), "LLM_RATE_LIMITED"],
    [refusal(504), "LLM_TIMEOUT"],
    [refusal(400), "LLM_UPSTREAM_FAILED"],
    [refusal(503), "LLM_UPSTREAM_FAILED"],
    [new Error("x", { cause: new AnswerCut() }), "LLM_INCOMPLETE"],
    [Object.assign(new Error("x"), { lastError: new AnswerOverlong() }), "LLM_ANSWER_TOO_LONG"],
    [new Error("x", { cause: new ServiceError("LLM_NOT_RECORDED") }), "LLM_NOT_RECORDED"],
    [new TypeError("fetch failed"), "LLM_UPSTREAM_FAILED"],
    ["a string", "LLM_UPSTREAM_FAILED"],
    [undefined, "LLM_UPSTREAM_FAILED"],
  ])("%s is %s", (error, code) => {
    expect(toServiceError(error, KEY).code).toBe(code);
  });

  test("never carries the prompt or the key into the log", () => {
    for (const error of [
      refusal(401, {}, `Incorrect API key provided: ${KEY}`),
      refusal(500, {}, `${KEY} ${KEY}`),
      new Error(`bad header ${KEY}`),
    ]) {
      const known = toServiceError(error, KEY);
      const logged = JSON.stringify([known.message, String(known.cause), known.cause]);
      expect(logged).not.toContain(KEY);
      expect(logged).not.toContain("the whole prompt");
    }
  });

  test("of a loop of causes ends", () => {
    const error: { cause?: unknown } = new Error("x");
    error.cause = error;
    expect(toServiceError(error, undefined).code).toBe("LLM_UPSTREAM_FAILED");
  });
});

describe("Retry-After", () => {
  test("is seconds, a date, or milliseconds of its own header", () => {
    expect(retryAfterMs({ "retry-after": "3" })).toBe(3000);
    expect(retryAfterMs({ "retry-after": "0.5" })).toBe(500);
    expect(retryAfterMs({ "retry-after-ms": "70", "retry-after": "3" })).toBe(70);
    expect(retryAfterMs({ "retry-after": "-3" })).toBe(0);
    const soon = new Date(Date.now() + 60_000).toUTCString();
    expect(retryAfterMs({ "retry-after": soon })).toBeGreaterThan(50_000);
    expect(retryAfterMs({ "retry-after": "later" })).toBeUndefined();
    expect(retryAfterMs({})).toBeUndefined();
  });
});

test.each([
  [refusal(400, {}, "messages[1].content must be a string"), true],
  [refusal(404, {}, "No endpoints found that support image input"), true],
  [refusal(500, {}, "image input is not supported - hint: provide the mmproj"), true],
  [refusal(500, {}, "overloaded"), false],
  [refusal(401, {}, "no image for you"), false],
  [refusal(429), false],
  [new TypeError("fetch failed"), false],
])("%s: whether it may be the pictures", (error, expected) => {
  expect(mayRefusePictures(error)).toBe(expected);
});
