import { expect, test } from "vitest";
import { makeWhole, WholeParts, withWholeCharacters } from "./whole-text.js";

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

test("a value is made whole wherever it holds a half, and nothing else of it changes", () => {
  const value = JSON.parse(
    '{"a":["\\ud800",{"b":"x\\udfffy","\\udc00":["\\ud83d\\ude00"]}],"n":[1,null,true],"t":"\\\\ud800"}',
  );
  expect(makeWhole(value)).toBe(value);
  expect(value).toEqual({
    a: ["\ufffd", { b: "x\ufffdy", "\ufffd": ["\u{1f600}"] }],
    n: [1, null, true],
    t: "\\ud800",
  });
  expect([makeWhole("\ud800"), makeWhole(7), makeWhole(undefined)]).toEqual([
    "\ufffd",
    7,
    undefined,
  ]);
});

test("names stay in their order, and none is another kind of name", () => {
  const value = JSON.parse('{"1st":1,"__proto__":{"x":"\\ud800"},"\\ud800":2,"last":3}');
  makeWhole(value);
  expect(JSON.stringify(value)).toBe('{"1st":1,"__proto__":{"x":"\ufffd"},"\ufffd":2,"last":3}');
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test("text under one name may stay as it is", () => {
  const value = { path: "\ud800", files: [{ path: "\udfff", content: "\udfff" }] };
  makeWhole(value, "path");
  expect(value).toEqual({ path: "\ud800", files: [{ path: "\udfff", content: "\ufffd" }] });
});

test("depth does not matter", () => {
  const depth = 200_000;
  const value = JSON.parse(`${"[".repeat(depth)}"\\ud800"${"]".repeat(depth)}`);
  let inner = makeWhole(value);
  while (Array.isArray(inner)) inner = inner[0];
  expect(inner).toBe("\ufffd");
});

test("parts are whole, and a character that was cut in two comes with the second", () => {
  const parts = new WholeParts();
  expect(["a\ud83d", "\ude00b", "\ud800", "x\ude00"].map((part) => parts.take(part))).toEqual([
    ...["a", "\u{1f600}b", "", "\ufffdx\ufffd"],
  ]);
});
