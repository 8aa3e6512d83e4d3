/** The promises of SPECIFICATION.md are numbered, and each names tests that exist. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const specification = readFileSync(join(repositoryRoot, "SPECIFICATION.md"), "utf8");
const promises = specification.split(/^## /m).slice(1);

/** `file`: "title", by `words of that file` */
const claim = /^- `([^`]+)`: "([^"]+)"(?:, by `([^`]+)`)?$/;

const testFiles = ["test", "packages/server/src", "packages/server/guest"]
  .flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  )
  .filter((path) => /\.test\.ts$|(^|\/)test_\w+\.py$/.test(path));

/** A file of the guest's tests goes by its name alone. Undefined unless there is exactly one. */
function textOf(file: string): string | undefined {
  const [path, another] = testFiles.filter((one) => one === file || one.endsWith(`/${file}`));
  if (path === undefined || another !== undefined) return undefined;
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** Whether the file has a test of this title, which is not merely mentioned in it. */
function hasTest(text: string, title: string): boolean {
  if (text.includes(`def ${title}(self`)) return true;
  const at = text.indexOf(JSON.stringify(title));
  return at >= 0 && /\b(test|it)(\.each\([^;]*\))?\(\s*$/.test(text.slice(0, at));
}

function problemOf(line: string): string | undefined {
  const [, file = "", title = "", words] = claim.exec(line) ?? [];
  if (title === "") return `cannot be read: ${line}`;
  const text = textOf(file);
  if (text === undefined) return `there is no one file ${file}`;
  if (!hasTest(text, title)) return `${file} has no test "${title}"`;
  return words === undefined || text.includes(words) ? undefined : `${file} lacks ${words}`;
}

test("promises are numbered in order", () => {
  const numbers = promises.map((promise) => Number(/^\d+/.exec(promise)?.[0]));
  expect(numbers.length).toBeGreaterThanOrEqual(10);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test("every promise is held by tests that exist", () => {
  for (const promise of promises) {
    const lines = promise.split("\n").filter((line) => line.startsWith("- "));
    expect(lines.length, promise.slice(0, 40)).toBeGreaterThan(0);
    expect(lines.map(problemOf).filter((problem) => problem !== undefined)).toEqual([]);
  }
});

test("a test that is gone, or a number that has changed, is seen", () => {
  const line = '- `test/event-loop.test.ts`: "$what", by `CPU_MS_MAX = 50`';
  expect(problemOf(line)).toBeUndefined();
  expect(problemOf(line.replace("$what", "$where"))).toMatch("has no test");
  expect(problemOf(line.replace("50", "60"))).toMatch("lacks");
  expect(problemOf(line.replace("event-loop", "event-loops"))).toMatch("no one file");
  expect(problemOf(line.replace(":", ";"))).toMatch("cannot be read");
});
