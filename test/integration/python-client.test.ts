/** The Python client: its own tests against a real server, its types, its wheel, its table of errors. */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorTable } from "../../packages/server/src/errors.ts";
import { readExamples } from "../support/examples.ts";
import {
  clientFolder,
  pythonWith,
  runChild,
  testModules,
  testsPassed,
} from "../support/python-client.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let folder: string;

/** Its packages come from PyPI, which whoever runs these tests need not reach. */
const python = await pythonWith("tests/requirements.txt").catch((error: Error) => {
  process.stderr.write(`LEFT OUT: the Python client's own tests. ${error.message}\n`);
  return "";
});

beforeAll(async () => {
  if (!python) return;
  server = await startServer({ env: { MAX_SESSIONS: "20" } });
  folder = mkdtempSync(join(tmpdir(), "glovebox-python-"));
}, 300_000);

afterAll(async () => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  await server?.stop();
});

describe.skipIf(!python)("the client's own tests", () => {
  test("there are some", () => {
    expect(testModules().length).toBeGreaterThan(3);
  });

  test.each(testModules())(
    "%s",
    async (module) => {
      const arguments_ = ["-W", "error::ResourceWarning", "-m", "unittest", module];
      const env = {
        PYTHONPATH: "src:compat",
        GLOVEBOX_URL: server.baseUrl,
        GLOVEBOX_TOKEN: server.token,
      };
      const outcome = await runChild(python, arguments_, env);
      expect(testsPassed(outcome), outcome.output).toBeGreaterThan(0);
    },
    180_000,
  );

  test("types are strict", async () => {
    const cache = join(folder, "mypy");
    const { output } = await runChild(python, ["-m", "mypy", "--cache-dir", cache], {});
    expect(output).toMatch(/^Success: no issues found in \d\d source files$/m);
  }, 180_000);
});

describe.skipIf(!python)("the examples of docs/python.md", () => {
  const examples = readExamples("python.md", "python");

  test("there are examples", () => {
    expect(examples.length).toBeGreaterThan(6);
  });

  test.each(examples.map((example) => [example.name, example] as const))(
    "%s",
    async (_, { code, output: expected }) => {
      const env = {
        PYTHONPATH: join(clientFolder, "src"),
        GLOVEBOX_URL: server.baseUrl,
        GLOVEBOX_TOKEN: server.token,
      };
      const { status, output } = await runChild(python, ["-c", code], env, folder);
      expect(status, output).toBe(0);
      if (expected === undefined) expect(output.trim()).not.toBe("");
      else expect(output).toBe(expected);
    },
  );
});

test("its errors are those of the server", () => {
  const source = readFileSync(join(clientFolder, "src/glovebox/errors.py"), "utf8");
  const [, table = ""] = /SERVER_CODES[^{]*\{([^}]*)\}/.exec(source) ?? [];
  const told = [...table.matchAll(/"([A-Z_]+)": (\d+),/g)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  const known = Object.entries(errorTable).map(([code, { status }]) => [code, status]);
  expect(known.length).toBeGreaterThan(40);
  expect(told).toEqual(known);
});

describe.skipIf(!python)("its wheel", () => {
  /** Built of a copy whose files have another age and other rights. */
  async function build(name: string, age: number): Promise<string> {
    const copy = join(folder, name);
    const isSource = (path: string) => !path.includes("__pycache__");
    cpSync(clientFolder, copy, { recursive: true, filter: isSource });
    utimesSync(join(copy, "src/glovebox/errors.py"), age, age);
    const out = join(folder, `${name}-out`);
    const build = ["-m", "hatchling", "build", "-t", "wheel", "-d", out];
    const { status, output } = await runChild(python, build, {}, copy);
    expect(status, output).toBe(0);
    const [wheel = ""] = readdirSync(out);
    return join(out, wheel);
  }

  test("is the same whenever and wherever it is built, and works as it is", async () => {
    const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    const [one, other] = [await build("one", 1e9), await build("other", 1.7e9)];
    expect(hash(one)).toBe(hash(other));
    const code =
      "import glovebox, glovebox.adapters, importlib.resources as r; " +
      "print([glovebox.Client.__module__, r.files(glovebox).joinpath('py.typed').is_file()])";
    const { output } = await runChild(python, ["-c", code], { PYTHONPATH: one }, folder);
    expect(output.trim()).toBe("['glovebox._sync.client', True]");
  });
});
