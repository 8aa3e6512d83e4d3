/** What lets one build serve Node and browsers. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { events, json, startMisbehaving } from "../test/misbehaving-server.js";

const packageDirectory = fileURLToPath(new URL("..", import.meta.url));
const sources = readdirSync(join(packageDirectory, "src"), { recursive: true, encoding: "utf8" })
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

  test("runs in a world that has only these parts of the web platform", async () => {
    const { baseUrl, seen } = await start(
      json({ result_text: "2" }),
      events([{ id: 1, event: "result", data: { result_text: "3" } }]),
      (response) => response.end("bytes"),
    );
    const program = `
      import { readFileSync } from "node:fs";
      import { createContext, SourceTextModule } from "node:vm";
      const context = createContext({
        AbortController, Blob, DOMException, FormData, ReadableStream, Response, TextDecoder, URL,
        clearTimeout, crypto, fetch, queueMicrotask, setTimeout,
      });
      const modules = new Map();
      function load(url) {
        if (!modules.has(url)) {
          const source = readFileSync(new URL(url), "utf8");
          modules.set(url, new SourceTextModule(source, { context, identifier: url }));
        }
        return modules.get(url);
      }
      const sdk = load(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
      await sdk.link((name, from) => load(new URL(name, from.identifier).href));
      await sdk.evaluate();
      const client = new sdk.namespace.Glovebox({ baseUrl: ${JSON.stringify(baseUrl)} });
      console.log((await client.execute("1 + 1")).result_text);
      console.log((await client.stream("1 + 2").result).result_text);
      console.log(await client.session().files.readText("a.txt"));
    `;
    const args = ["--experimental-vm-modules", "--no-warnings", "--input-type=module"];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, "--eval", program]);
    expect(stdout).toBe("2\n3\nbytes\n");
    expect(seen.length).toBe(3);
  });
});
