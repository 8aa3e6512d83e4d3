import { expect, test } from "vitest";
import { withWholeCharacters } from "./whole-text.js";

test.each([
  ["a\ud800b", "a\ufffdb"],
  ["\udcff\udcfe", "\ufffd\ufffd"],
  ["\udc00\ud83d\ude00\ud83d", "\ufffd\ud83d\ude00\ufffd"],
  ["\\\ud800", "\\\ufffd"],
])("half of a character becomes U+FFFD: %j", (text, whole) => {
  expect(JSON.parse(withWholeCharacters(JSON.stringify({ [text]: [text] })))).toEqual({
    [whole]: [whole],
  });
});

test.each(["\\ud800", "\\\\ud800", "x\\udfff\\", "😀", "\\ude00\n\\"])(
  "text that looks like one stays: %j",
  (text) => {
    expect(JSON.parse(withWholeCharacters(JSON.stringify(text)))).toBe(text);
  },
);
