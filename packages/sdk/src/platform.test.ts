/** What lets one build serve Node and browsers. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { json, startMisbehaving } from "../test/misbehaving-server.js";

const packageDirectory = fileURLToPath(new URL("..", import.meta.url));
const sources = readdirSync(join(packageDirectory, "src"))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => ({ name, text: readFileSync(join(packageDirectory, "src", name), "utf8") }));
const start = startMisbehaving();

describe("the package", () => {
  test("depends on nothing", () => {
    const manifest = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8"));
    const { dependencies, peerDependencies, optionalDependencies } = manifest;
    expect({ dependencies, peerDependencies, optionalDependencies }).toEqual({});
  });

  test("imports its own files only", () => {
    const imported = sources.flatMap(({ name, text }) =>
      [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, target]) => ({
        name,
        target,
      })),
    );
    expect(imported.length).toBeGreaterThan(20);
    expect(imported.filter(({ target }) => !target?.startsWith("./"))).toEqual([]);
  });

  test("exports each name by itself", () => {
    const offenders = sources.filter(({ text }) => /^export\s+(default\b|\*)/m.test(text));
    expect(offenders.map(({ name }) => name)).toEqual([]);
  });

  test("works where there is only what browsers have, too", async () => {
    const { baseUrl, seen } = await start(json({ result_text: "2" }));
    const program = `
      const print = console.log;
      // Node's own fetch is made of these, and loads itself when it is first used.
      await (await fetch(${JSON.stringify(baseUrl)})).text();
      for (const name of ["process", "Buffer", "global", "setImmediate", "clearImmediate"]) {
        delete globalThis[name];
      }
      const { Glovebox } = await import(${JSON.stringify(join(packageDirectory, "dist/index.js"))});
      const client = new Glovebox({ baseUrl: ${JSON.stringify(baseUrl)} });
      print((await client.execute("1 + 1")).result_text, typeof process, typeof Buffer);
    `;
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe("2 undefined undefined\n");
    expect(seen.map(({ url }) => url)).toEqual(["/", "/execute"]);
  });
});
