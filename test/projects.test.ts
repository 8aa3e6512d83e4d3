/** Every file of tests is run, and run once: in exactly one of the projects of vitest.config.ts. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

interface Listed {
  readonly file: string;
  readonly projectName: string;
}

function listedFiles(): readonly Listed[] {
  const vitest = join(repositoryRoot, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "list", "--filesOnly", "--json"];
  const text = execFileSync(process.execPath, args, { cwd: repositoryRoot, encoding: "utf8" });
  return JSON.parse(text) as Listed[];
}

test("every file of tests is in one project", () => {
  const onDisk = ["packages", "scripts", "test", "bench"].flatMap((directory) =>
    readdirSync(join(repositoryRoot, directory), { recursive: true, encoding: "utf8" })
      .map((name) => join(directory, name))
      .filter((path) => /\.test\.m?[jt]s$/.test(path))
      .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path)),
  );
  const listed = listedFiles().map(({ file }) => relative(repositoryRoot, file));
  expect(onDisk.length).toBeGreaterThan(50);
  expect(listed.sort()).toEqual(onDisk.sort());
});
