/**
 * SECURITY.md says which files must be right for the isolation to hold, how long they are, and what
 * they load. This suite reads the sources and fails when the page no longer tells the truth;
 * with UPDATE_DOCS=1 in the environment it writes the page anew.
 */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { expectPrinted } from "./support/printed.ts";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const guest = "packages/server/guest";
const source = "packages/server/src";

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

function exists(path: string): boolean {
  try {
    read(path);
    return true;
  } catch {
    return false;
  }
}

/** What a file loads: files of ours by their paths, and the names of everything else. */
interface Loads {
  readonly files: readonly string[];
  readonly others: readonly string[];
}

function pythonLoads(path: string): Loads {
  // Also inside functions: what is imported late runs with the same privilege.
  const statements = [...read(path).matchAll(/^\s*(?:from\s+(\S+)\s+import|import\s+(.+))/gm)];
  const names = statements.flatMap(([, from, plain]) =>
    from ? [from] : (plain ?? "").split(",").map((name) => name.trim().split(/\s/)[0] ?? ""),
  );
  const modules = names.map((name) => name.split(".")[0] ?? name);
  const fileOf = (module: string) => `${guest}/${module}.py`;
  return {
    files: modules.map(fileOf).filter(exists),
    others: modules.filter((module) => !exists(fileOf(module))),
  };
}

function typescriptLoads(path: string): Loads {
  const statement = /^(?:import|export)\s(?!type\b)[^;"']*\bfrom\s*["']([^"']+)["']/gm;
  const names = [...read(path).matchAll(statement)];
  const targets = names.map(([, name = ""]) => name);
  const ours = targets.filter((name) => name.startsWith("."));
  return {
    files: ours.map((name) =>
      relative(repositoryRoot, join(repositoryRoot, dirname(path), name)).replace(/\.js$/, ".ts"),
    ),
    others: targets.filter((name) => !name.startsWith(".")),
  };
}

function closure(entries: readonly string[], loads: (path: string) => Loads) {
  const files = new Set<string>();
  const others = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    const loaded = loads(path);
    queue.push(...loaded.files);
    for (const name of loaded.others) others.add(name);
  }
  return { files: [...files].sort(), others: [...others].sort() };
}

function lineCount(path: string): number {
  return read(path).trimEnd().split("\n").length;
}

/** Loaded in the child that becomes a porter, and run when that has given everything up. */
const PORTER = `${guest}/porter.py`;
const keeper = closure([`${guest}/keeper.py`], (path) => {
  const { files, others } = pythonLoads(path);
  return { files: files.filter((file) => file !== PORTER), others };
});
const porter = closure([PORTER], pythonLoads);
const zygote = closure([`${guest}/zygote.py`], pythonLoads);
const supervisor = closure([`${source}/cli/serve.ts`], typescriptLoads);

function section(title: string, files: readonly string[], others: readonly string[]): string {
  const total = files.reduce((sum, path) => sum + lineCount(path), 0);
  const list = files.map((path) => `\`${path.split("/").at(-1)}\` ${lineCount(path)}`).join(", ");
  return `**${title}: ${total} lines.** ${list}. Loads besides: ${others.join(", ")}.`;
}

const text = [
  section("Keeper and wardens", [`${guest}/enter-rootfs.sh`, ...keeper.files], keeper.others),
  section(
    "Zygote, on top of these",
    zygote.files.filter((path) => !keeper.files.includes(path)),
    zygote.others.filter((name) => !keeper.others.includes(name)),
  ),
  section(
    "Porters, on top of these; they are confined before they read anything",
    porter.files.filter((path) => !keeper.files.includes(path)),
    porter.others.filter((name) => !keeper.others.includes(name)),
  ),
  section("Supervisor", supervisor.files, supervisor.others),
].join("\n\n");

test("SECURITY.md names the trusted files, their lengths and what they load", () => {
  expectPrinted("SECURITY.md", "trusted files", text);
});

test("the keeper and the wardens load the standard library only", () => {
  const standard = new Set(
    "contextlib ctypes dataclasses errno fcntl json os re resource select selectors signal socket stat struct sys termios time typing".split(
      " ",
    ),
  );
  expect(keeper.others.filter((name) => !standard.has(name))).toEqual([]);
});

test("porters load the standard library only", () => {
  const libraries = ["collections", "tarfile", "zipfile"];
  expect(porter.others.filter((name) => !keeper.others.includes(name))).toEqual(libraries);
});

test("the supervisor loads Node's own modules only", () => {
  expect(supervisor.others.filter((name) => !name.startsWith("node:"))).toEqual([]);
});
