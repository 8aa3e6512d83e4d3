import { expect, test } from "vitest";
import { withoutOverwritten } from "./carriage-returns.js";

test.each([
  ["no return", "no return"],
  [" 10%\r 50%\r100%\n", "100%\n"],
  ["loading\rok\n", "okading\n"],
  ["a\r\nb\r\n", "a\r\nb\r\n"],
  ["1\r2\r\nnext", "2\r\nnext"],
  ["kept\r", "kept\r"],
  ["\r\r\rlast", "last"],
  ["a\n\rb\rc", "a\nc"],
  ["", ""],
])("%j is shown as %j", (text, expected) => {
  expect(withoutOverwritten(text)).toBe(expected);
});

test("a megabyte of returns takes no longer than a megabyte of text", () => {
  const text = "x".repeat(500_000) + "\ry".repeat(250_000);
  const startedAt = performance.now();
  expect(withoutOverwritten(text)).toBe(`y${"x".repeat(499_999)}`);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
