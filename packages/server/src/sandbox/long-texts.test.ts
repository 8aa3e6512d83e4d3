import { expect, test } from "vitest";
import { takeLongTexts } from "./long-texts.js";

async function parse(bytes: Buffer): Promise<unknown> {
  const { json, restore } = await takeLongTexts(bytes);
  return restore(JSON.parse(json));
}

const long = (text: string, characters = 700_000) => text.repeat(characters / text.length);

test.each([
  ["plain", "abc"],
  ["quotes", 'a"'],
  ["backslashes", "\\"],
  ["lines", "a\n"],
  ["two bytes", "ä1"],
  ["three bytes", "漢"],
  ["four bytes", "😀a"],
  ["control characters", "\u0001x"],
])("a long text of %s comes out as it is", async (_name, piece) => {
  for (const before of ["", "x", "xy", "xyz", "xyzz", "xyzzy"]) {
    const value = { a: [before + long(piece)], b: long(piece, 3000), c: piece };
    expect(await parse(Buffer.from(JSON.stringify(value)))).toEqual(value);
  }
});

test("escapes are never cut, wherever a part ends", async () => {
  for (let before = 0; before < 12; before++) {
    const text = "x".repeat(before) + long("\\\\\\u00e4\\n", 700_000);
    const value = await parse(Buffer.from(`["${text}"]`));
    expect(value).toEqual(JSON.parse(`["${text}"]`));
  }
});

test("halves of characters become whole, and pairs that are escaped stay", async () => {
  const pairs = long("\\ud83d\\ude00", 600_000);
  expect(await parse(Buffer.from(`"x${pairs}"`))).toBe(`x${"😀".repeat(50_000)}`);
  const halves = long("\\ud83d", 6000);
  expect(await parse(Buffer.from(`"${halves}"`))).toBe("\ufffd".repeat(1000));
});

test("names of fields stay where they are, `__proto__` as well", async () => {
  const name = long("n", 5000);
  const json = `{"${name}" : "${long("v", 5000)}", "__proto__": "${long("p", 5000)}", "a":{"b":["${long("b", 2000)}"]}}`;
  expect(JSON.stringify(await parse(Buffer.from(json)))).toBe(JSON.stringify(JSON.parse(json)));
  const value = (await parse(Buffer.from(json))) as Record<string, unknown>;
  value[name] = 1;
  expect(value[name]).toBe(1);
});

test.each([
  ["a long text with a wrong escape", `["${long("a", 5000)}\\x"]`],
  ["a long text with a line feed", `["${long("a", 5000)}\n"]`],
  ["a long text without an end", `["${long("a", 5000)}`],
  ["an escape that is cut off", `["${long("a", 5000)}\\u12"]`],
  ["something behind", `"${long("a", 5000)}" 1`],
])("%s is no JSON", async (_name, text) => {
  await expect(parse(Buffer.from(text))).rejects.toThrow(SyntaxError);
});

test("the worst texts hold nobody up", async () => {
  const texts = ["\\ud800", '\\"', "漢"].map((piece) =>
    Buffer.from(`["${piece.repeat(8e6 / Buffer.byteLength(piece))}"]`),
  );
  let busyMs = 0;
  let last = process.cpuUsage();
  let isOver = false;
  const watch = () => {
    const { user, system } = process.cpuUsage(last);
    busyMs = Math.max(busyMs, (user + system) / 1000);
    last = process.cpuUsage();
    if (!isOver) setImmediate(watch);
  };
  watch();
  for (const bytes of texts) await takeLongTexts(bytes);
  isOver = true;
  expect(busyMs).toBeLessThan(50);
});
