/**
 * `npm run clients`: has other people's generators make clients of the server's description, checks the types of a small
 * program for each, and runs it against a server. The generators come from npm and PyPI into a folder that is deleted.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer, type TestServer } from "../support/server.ts";

const sources = dirname(fileURLToPath(import.meta.url));

/** Says all by its message. */
class Failure extends Error {}

/** Runs programs in a copy of a folder, which the description lies in. */
class Workshop {
  readonly folder: string;
  readonly #server: TestServer;

  constructor(server: TestServer, name: string, description: string) {
    this.#server = server;
    this.folder = mkdtempSync(join(tmpdir(), `glovebox-clients-${name}-`));
    cpSync(join(sources, name), this.folder, { recursive: true });
    writeFileSync(join(this.folder, "openapi.json"), description);
  }

  /** @throws Failure with what the program has said, where it fails */
  run(program: string, ...args: readonly string[]): void {
    console.log(`  ${program} ${args.join(" ").replaceAll(this.#server.token, "…")}`);
    const options = { cwd: this.folder, encoding: "utf8", stdio: "pipe" } as const;
    try {
      execFileSync(program, args, options);
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Failure(`${program} has failed:\n${stdout}${stderr}`);
    }
  }

  /** Against the server, whose address and token are its arguments. */
  runClient(program: string, ...args: readonly string[]): void {
    this.run(program, ...args, this.#server.baseUrl, this.#server.token);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function tryTypescript(workshop: Workshop): void {
  workshop.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
  workshop.run("node_modules/.bin/openapi-typescript", "openapi.json", "-o", "api.ts");
  workshop.run("node_modules/.bin/tsc", "-p", ".");
  workshop.runClient(process.execPath, "program.mjs");
}

function tryPython(workshop: Workshop): void {
  workshop.run("python3", "-m", "venv", "venv");
  workshop.run("venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt");
  const output = ["--output-path", "glovebox_client", "--meta", "none"];
  // What it leaves out of a client, it warns of.
  const strict = "--fail-on-warning";
  writeFileSync(join(workshop.folder, "config.yaml"), "post_hooks: []\n");
  const config = ["--config", "config.yaml"];
  const args = ["generate", "--path", "openapi.json", strict, ...config, ...output];
  workshop.run("venv/bin/openapi-python-client", ...args);
  workshop.run("venv/bin/mypy", "--strict", "program.py");
  workshop.runClient("venv/bin/python", "program.py");
}

const server = await startServer();
try {
  const description = await (await fetch(`${server.baseUrl}/openapi.json`)).text();
  for (const [name, tryClient] of Object.entries({
    typescript: tryTypescript,
    python: tryPython,
  })) {
    console.log(`${name}:`);
    using workshop = new Workshop(server, name, description);
    tryClient(workshop);
  }
  console.log("Both clients were made, checked and run.");
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.stop();
}
