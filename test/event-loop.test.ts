/**
 * Whoever reads text of others must not hold the event loop: every parser gets the worst texts that there
 * are, at the largest length that it can be given, and is done within 50 ms of processor time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { NOTEBOOK_BODY } from "../packages/server/src/gateway/http/body-limits.ts";
import { makeWhole } from "../packages/server/src/sandbox/whole-text.ts";
import { parsers, withoutRow } from "./support/parsers.ts";
import { patternsIn } from "./support/patterns.ts";
import { worstTexts } from "./support/worst-texts.ts";

const CPU_MS_MAX = 50;
const TRIES = 5;
/** Shorter ones come first, so that what takes the square of a length fails within seconds. */
const PARTS = [32, 1];

/** Of both clocks the lower one: other threads count for one, other processes for the other. */
async function millisecondsOf(parse: () => unknown): Promise<number> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  try {
    for (const part of [parse()].flat()) await part;
  } catch {
    // A refusal is an answer, too.
  }
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(performance.now() - startedAt, (user + system) / 1000);
}

/** The best of some tries: what disturbs one of them says nothing about the parser. */
async function slowest(parse: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && best > CPU_MS_MAX; tries++) {
    best = Math.min(best, await millisecondsOf(parse));
  }
  return best;
}

describe("the event loop is not held by", () => {
  test.each(parsers)("$what", { timeout: 30_000 }, async (row) => {
    const { charactersMax, fragments, beginnings, parse } = row;
    for (const part of PARTS) {
      const length = Math.floor(charactersMax / part);
      for (const text of worstTexts(length, fragments, beginnings)) {
        const milliseconds = await slowest(() => parse(text));
        const shown = `${length} characters, ${JSON.stringify(text.slice(0, 40))}`;
        expect(milliseconds, shown).toBeLessThan(CPU_MS_MAX);
      }
    }
  });
});

/** One value of each kind, made different from all others, and what it weighs. */
const values: Readonly<Record<string, readonly [weight: number, make: (n: number) => string]>> = {
  numbers: [1, (n) => `${n}`],
  strings: [4, (n) => `"x${n}"`],
  objects: [25, (n) => `{"x${n}":1}`],
  lists: [11, () => "[]"],
  names: [14, (n) => `"x${n}":1`],
  "long names": [14, (n) => `"${"x".repeat(400)}${n}":1`],
  "names with halves": [14, (n) => `"\\ud800${n}":1`],
};

test.each(Object.entries(values))("a notebook's parse is done in time, of %s", async (what, of) => {
  const [weight, make] = of;
  const { valuesMax } = NOTEBOOK_BODY.config.body;
  const all = Array.from({ length: Math.floor(valuesMax / weight) }, (_, n) => make(n)).join();
  const text = what.includes("names") ? `{${all}}` : `[${all}]`;
  expect(text.length).toBeLessThan(NOTEBOOK_BODY.bodyLimit);
  expect(await slowest(() => void JSON.parse(text))).toBeLessThan(CPU_MS_MAX);
  const value: unknown = JSON.parse(text);
  expect(await slowest(() => void makeWhole(value))).toBeLessThan(CPU_MS_MAX);
});

test("every module with a pattern is in the table, or says why it need not be", {
  timeout: 30_000,
}, () => {
  const root = join(dirname(fileURLToPath(import.meta.url)), "../packages");
  const modules = ["server/src", "sdk/src"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`)
      .filter((path) =>
        patternsIn(readFileSync(join(root, path), "utf8")).patterns.some(
          ({ isLiteral }) => isLiteral,
        ),
      ),
  );
  const listed = [...parsers.flatMap((row) => row.modules), ...Object.keys(withoutRow)];
  expect([...new Set(listed)].sort()).toEqual(modules.sort());
});
