import { expect, test } from "vitest";
import { isIndent, isPlain } from "./cell-reader.js";

test.each(["", "    "])("%j may be typed for somebody", (text) => {
  expect(isIndent(text)).toBe(true);
});

test.each(["\n:put /etc/passwd\n", "\t", "\u0003", "x", " ".repeat(201)])(
  "%j is not typed for anybody",
  (text) => {
    expect(isIndent(text)).toBe(false);
  },
);

test("completions that a terminal would obey are left out", () => {
  const matches = ["name", "größe", "a\u001b]52;c;eA==\u0007", "b\n", "c\u009b6n", "d\u202e"];
  expect(matches.filter(isPlain)).toEqual(["name", "größe"]);
});
