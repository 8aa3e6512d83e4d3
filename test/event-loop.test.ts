/**
 * Whoever reads text of others must not hold the event loop: every parser gets the worst texts that there
 * are, at the largest length that it can be given, and is done within 50 ms of processor time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
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
