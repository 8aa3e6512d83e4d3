/** The Python client's tests run as a child process, by Debian's Python with packages of exact versions. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const clientFolder = fileURLToPath(new URL("../../packages/python", import.meta.url));
const python = "/usr/bin/python3";
/** Makes one folder of packages at a time. */
const making = new Map<string, Promise<string>>();

/**
 * Python with the packages of a list (a path below packages/python), installed on first use into a
 * folder of the state directory's cache.
 * @returns the path of its program
 */
export function pythonWith(requirements: string): Promise<string> {
  const path = join(clientFolder, requirements);
  const known = making.get(path);
  if (known) return known;
  const made = ensureFolder(path);
  making.set(path, made);
  return made;
}

async function ensureFolder(requirements: string): Promise<string> {
  const { stdout: version } = await promisify(execFile)(python, ["--version"]);
  const wanted = createHash("sha256").update(readFileSync(requirements)).update(version);
  const cache = join(process.env["STATE_DIR"] ?? "/var/lib/glovebox", "cache");
  const folder = join(cache, `python-${wanted.digest("hex").slice(0, 16)}`);
  const program = join(folder, "bin/python");
  if (existsSync(program)) return program;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  try {
    await explained(python, ["-m", "venv", unfinished], "apt-get install python3-venv");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    const install = [...pip, "--no-deps", "-r", requirements];
    await explained(join(unfinished, "bin/python"), install, "Does pip reach its index?");
    // Another run may have been faster.
    if (!existsSync(program)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return program;
}

async function explained(command: string, args: readonly string[], advice: string): Promise<void> {
  const { status, output } = await runChild(command, args, {});
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed; ${advice}\n${output}`);
}

export interface ChildOutcome {
  readonly status: number;
  /** Both streams, as they came. */
  readonly output: string;
}

/** Waits for a program of the client's folder; the end of this process ends it as well. */
export function runChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = clientFolder,
): Promise<ChildOutcome> {
  const clean = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C.UTF-8", HOME: "/tmp" };
  const pip = Object.entries(process.env).filter(([name]) => /^(PIP_|SSL_|\w+_proxy$)/i.test(name));
  const child = spawn(command, args, {
    cwd,
    env: { ...clean, ...Object.fromEntries(pip), PYTHONDONTWRITEBYTECODE: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      process.off("exit", stop);
      resolve({ status: status ?? 1, output });
    });
  });
}

/** How many tests unittest has run without a failure; 0 where anything failed, or was skipped. */
export function testsPassed({ status, output }: ChildOutcome): number {
  if (status !== 0 || !/^OK$/m.test(output)) return 0;
  return Number(/^Ran (\d+) tests? in /m.exec(output)?.[1] ?? 0);
}

/** The modules of tests below a folder, as unittest names them. */
export function testModules(folder = "tests"): readonly string[] {
  return readdirSync(join(clientFolder, folder))
    .filter((name) => /^test_\w+\.py$/.test(name))
    .map((name) => `${folder}.${name.slice(0, -3)}`);
}
