import { expect, test } from "vitest";
import { isLargeJson, jsonBytes, weighJson } from "./json-bytes.js";

const LARGE = "x".repeat(300_000);

async function roundTrip(value: unknown): Promise<unknown> {
  return JSON.parse(String(await jsonBytes(value)));
}

test.each([
  ["small", { a: [1, null, true, "b\n"], b: {} }],
  ["long text", { text: `${'ab\n\\"\u0001'.repeat(50_000)}` }],
  [
    "long lists",
    { list: Array.from({ length: 200_000 }, (_, n) => n), rest: [LARGE, 1, [], LARGE] },
  ],
  ["lists of texts", Array.from({ length: 30 }, (_, n) => LARGE + n)],
  ["many names", Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`name ${n}`, n]))],
  ["long names", { [LARGE]: { [`${LARGE}b`]: [] }, last: 1 }],
  ["what is nested", { a: [{ b: [{ c: LARGE, d: [[LARGE], { e: null }] }] }] }],
  ["a text alone", LARGE],
])("JSON is what JSON.stringify makes: %s", async (_what, value) => {
  expect(await roundTrip(value)).toEqual(value);
});

test("what has no value is left out of objects, and is null in lists", async () => {
  const value = { a: undefined, text: LARGE, list: [undefined, LARGE, undefined] };
  expect(await roundTrip(value)).toEqual({ text: LARGE, list: [null, LARGE, null] });
  expect(await roundTrip({ big: { a: undefined }, text: LARGE })).toEqual({ big: {}, text: LARGE });
});

test.each([0, 1, 2, 3])("characters stay whole at any place of a long text: %i", async (before) => {
  const text = "x".repeat(before) + "\u{1f40d}".repeat(200_000);
  expect(await roundTrip({ text })).toEqual({ text });
});

test("a text of any length near that of a piece is a text", async () => {
  const texts = [-3, -2, -1, 0, 1].map((more) => "x".repeat(64 * 1024 + more));
  for (const text of texts) expect(await roundTrip({ text, LARGE })).toEqual({ text, LARGE });
});

test("depth costs little, whatever is at its end", async () => {
  let deep: unknown = Array.from({ length: 1_500_000 }, () => 1);
  for (let level = 0; level < 450; level++) deep = level % 2 ? [deep] : { deep };
  const { user } = process.cpuUsage();
  await jsonBytes(deep);
  expect(process.cpuUsage().user - user).toBeLessThan(1_000_000);
});

test("halves of characters are replaced, in names too", async () => {
  const halves = "\ud800".repeat(200_000);
  expect(await roundTrip([halves, "\udfff"])).toEqual(["\ufffd".repeat(200_000), "\ufffd"]);
  expect(await roundTrip({ [halves]: LARGE })).toEqual({ ["\ufffd".repeat(200_000)]: LARGE });
  expect(await roundTrip(["\ud800"])).toEqual(["\ufffd"]);
  // Wherever a piece ends, only what is half is replaced.
  const mixed = `${"x".repeat(64 * 1024 - 1)}\ud83d\u{1f40d}${halves}`;
  expect(await roundTrip(mixed)).toBe(mixed.toWellFormed());
});

test("something stands before and after, also where it is large", async () => {
  for (const value of ["a", LARGE]) {
    expect(String(await jsonBytes(value, "data: ", "\n\n"))).toBe(
      `data: ${JSON.stringify(value)}\n\n`,
    );
  }
});

test("what is small is there at once; what is large lets others have their turns", async () => {
  expect(jsonBytes({ a: 1 })).toBeInstanceOf(Buffer);
  let turns = 0;
  const count = () => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  await jsonBytes(Array.from({ length: 40 }, () => "\n".repeat(500_000)));
  clearImmediate(counting);
  expect(turns).toBeGreaterThan(10);
});

test("weight is about the length", () => {
  const value = { a: ["b".repeat(1000), 123456, null, { c: true }], d: {} };
  const { length } = JSON.stringify(value);
  expect(Math.abs(weighJson(value) - length)).toBeLessThan(length / 10);
  expect(isLargeJson(value)).toBe(false);
  expect(isLargeJson({ a: Array.from({ length: 100_000 }, () => null) })).toBe(true);
});

test("what nests too deep has no weight that anything has room for", () => {
  let deep: unknown = 1;
  for (let n = 0; n < 100_000; n++) deep = n % 2 ? [deep] : { deep };
  expect(weighJson(deep)).toBe(Number.POSITIVE_INFINITY);
});
