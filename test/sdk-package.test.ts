/** What npm would publish of the SDK, in a project that has nothing else. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const sdk = fileURLToPath(new URL("../packages/sdk", import.meta.url));
const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const run = promisify(execFile);

const PROGRAM = `
import { type ExecuteResponse, Glovebox, GloveboxError } from "@glovebox/sdk";

const client = new Glovebox({ baseUrl: "http://127.0.0.1:9", token: "t", retries: 0 });
const failure = await client.execute("1").then(
  (result: ExecuteResponse): string => result.status,
  (error: unknown) => error instanceof GloveboxError && error.code,
);
console.log(failure);
// @ts-expect-error: types are there.
export const wrong = () => client.execute(1);
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "glovebox-sdk-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns the packed file's path and sha256 */
async function pack(name: string): Promise<{ path: string; hash: string }> {
  const target = join(folder, name);
  mkdirSync(target);
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", target], {
    cwd: sdk,
  });
  const [{ filename }] = JSON.parse(stdout);
  const path = join(target, filename);
  return { path, hash: createHash("sha256").update(readFileSync(path)).digest("hex") };
}

test("is the same each time, installs without a registry, compiles strictly, and runs", async () => {
  const [one, other] = [await pack("one"), await pack("other")];
  expect(one.hash).toBe(other.hash);
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(project, "main.ts"), PROGRAM);
  const options = { cwd: project };
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", one.path], options);
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const modern = ["--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"];
  const compiled = run(process.execPath, [compiler, ...strict, ...modern, "main.ts"], options);
  // The compiler tells what is wrong where programs print.
  await compiled.catch((error) => expect(error.stdout).toBe(""));
  const { stdout } = await run(process.execPath, ["main.js"], options);
  expect(stdout).toBe("CONNECTION_FAILED\n");
}, 120_000);
