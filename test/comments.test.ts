/** Comments are plain English, and can be understood by who has this repository alone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const packages = fileURLToPath(new URL("../packages", import.meta.url));
const sources = ["server/src", "sdk/src", "python/src", "server/guest/_glovebox"].flatMap(
  (folder) =>
    readdirSync(join(packages, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|py)$/.test(name) && !name.endsWith(".test.ts"))
      .map((name) => join(folder, name)),
);

/** Lines that hold nothing but a comment, or have one at their end. */
function commentLinesOf(path: string): string[] {
  const comment = path.endsWith(".py") ? /#|"""/ : /^\s*(?:\/\*|\*)|\/\//;
  return readFileSync(join(packages, path), "utf8")
    .split("\n")
    .filter((line) => comment.test(line));
}

const refused: Readonly<Record<string, RegExp>> = {
  "a text outside of the repository": /\bSources? 0\d+\b|\bissue \d|\/work\//,
  "at the most (at most)": /\bat the most\b/,
  "in the place of (instead of)": /\bin the place of\b/,
  "inside of (inside)": /\binside of\b/,
  "nobody's": /\b(?:nobody|anybody)'s\b/,
  "whatever of": /\bwhatever of\b/,
};

test.each(Object.entries(refused))("no comment has %s", (_, habit) => {
  expect(sources.length).toBeGreaterThan(200);
  const found = sources.flatMap((path) =>
    commentLinesOf(path)
      .filter((line) => habit.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});
