/** JSON texts as nobody would write them: valid ones, and some that only look so. */

import type { Random } from "./random.ts";

const STRINGS = [
  "",
  "a",
  "msg_type",
  "content",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "text/plain",
  "image/png",
  '"',
  "\\",
  '\\"',
  "\\\\",
  "\0",
  "\n\r\t",
  "\u2028\u2029",
  "\ufeff",
  "\ud800",
  "\udfff\ud800",
  "😀",
  "ä€",
  "{}",
  "[1,2]",
  "x".repeat(300),
];

const NUMBERS = [
  "0",
  "-0",
  "1",
  "-1",
  "255",
  "256",
  "1e-400",
  "5e-324",
  "1e308",
  "-1e308",
  "1e999",
  "-1e999",
  "0.1",
  "1.0",
  "4294967296",
  "9007199254740993",
  "9".repeat(40),
  `0.${"0".repeat(60)}1`,
];

/** What some parsers take and the standard does not. */
const NOT_JSON = [
  "NaN",
  "Infinity",
  "-Infinity",
  "undefined",
  "01",
  "+1",
  ".5",
  "0x10",
  "'a'",
  "[1,]",
  '{"a":1,}',
  "/**/1",
  '"\t"',
  '"\\x41"',
  '"\\u12"',
  '"',
  "\ufeff1",
  "",
];

export function jsonString(random: Random): string {
  const text = random.chance(0.7)
    ? random.pick(STRINGS)
    : String.fromCharCode(...random.list(12, () => random.below(0x10000)));
  return random.chance(0.8) ? JSON.stringify(text) : escapeAll(text);
}

function escapeAll(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}

function space(random: Random): string {
  return random.chance(0.9) ? "" : random.pick([" ", "\n", "\t\r\n", "    "]);
}

/** A valid text. Keys may repeat, and may be those that mean something to an object. */
export function jsonText(random: Random, depth = 4): string {
  const kind = random.below(depth > 0 ? 8 : 5);
  switch (kind) {
    case 0:
      return random.pick(["null", "true", "false"]);
    case 1:
    case 2:
      return random.pick(NUMBERS);
    case 3:
    case 4:
      return jsonString(random);
    case 5: {
      const items = random.list(5, () => `${space(random)}${jsonText(random, depth - 1)}`);
      return `[${items.join(",")}${space(random)}]`;
    }
    default:
      return jsonObject(random, depth);
  }
}

function jsonObject(random: Random, depth: number): string {
  const fields = random.list(
    5,
    () => `${space(random)}${jsonString(random)}${space(random)}:${jsonText(random, depth - 1)}`,
  );
  return `{${fields.join(",")}${space(random)}}`;
}

/** Nested far deeper than anything honest, closed or not. */
export function deepText(random: Random): string {
  const depth = random.chance(0.05) ? 100_000 : random.pick([10, 499, 500, 501, 3_000]);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ["[[],", "]"],
  ] as const);
  return open.repeat(depth) + (random.chance(0.5) ? `0${close.repeat(depth)}` : "");
}

export function brokenText(random: Random): string {
  return random.chance(0.5) ? random.pick(NOT_JSON) : `[1,${random.pick(NOT_JSON)}]`;
}
