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
const rooms = `${guest}/_glovebox`;
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

/** What names in an import statement stand for, without what they are called here. */
function importedNames(list: string): string[] {
  const names = list.replace(/[()]/g, "").split(",");
  return names.map((name) => name.trim().split(/\s/)[0] ?? "").filter((name) => name !== "");
}

/** The dotted names of all that a file imports: `from a import b` is `a` and `a.b`. */
function pythonImports(path: string): string[] {
  // Also inside functions: what is imported late runs with the same privilege.
  const statement =
    /^[ \t]*(?:from[ \t]+(\S+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([^\n#]+))/gm;
  return [...read(path).matchAll(statement)].flatMap(([, from, names, plain]) =>
    from
      ? [from, ...importedNames(names ?? "").map((name) => `${from}.${name}`)]
      : importedNames(plain ?? ""),
  );
}

/** The files that Python runs for a dotted name of ours: one for each package on the way, and the module's. */
function filesOf(dotted: string): string[] {
  const parts = dotted.split(".");
  return parts.flatMap((_, index) => {
    const place = `${guest}/${parts.slice(0, index + 1).join("/")}`;
    return [`${place}/__init__.py`, `${place}.py`].filter(exists);
  });
}

function pythonLoads(path: string): Loads {
  const names = pythonImports(path);
  const isOurs = (name: string) => name.startsWith(".") || name.split(".")[0] === "_glovebox";
  const ours = names.filter(isOurs);
  const lost = ours.filter((name) => filesOf(name).length === 0);
  expect(lost, `${path} imports what this suite cannot follow`).toEqual([]);
  return {
    files: ours.flatMap(filesOf),
    others: names.filter((name) => !isOurs(name)).map((name) => name.split(".")[0] ?? name),
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
const PORTER = `${rooms}/porter/porter.py`;
const keeper = closure(filesOf("_glovebox.keeper.keeper"), (path) => {
  const { files, others } = pythonLoads(path);
  return { files: files.filter((file) => file !== PORTER), others };
});
const porter = closure(filesOf("_glovebox.porter.porter"), pythonLoads);
const zygote = closure(filesOf("_glovebox.zygote.zygote"), pythonLoads);
const supervisor = closure([`${source}/cli/serve.ts`], typescriptLoads);

function listed(files: readonly string[], folder: string): string {
  return files.map((path) => `\`${relative(folder, path)}\` ${lineCount(path)}`).join(", ");
}

function section(
  title: string,
  files: readonly string[],
  others: readonly string[],
  list: (files: readonly string[]) => string,
): string {
  const total = files.reduce((sum, path) => sum + lineCount(path), 0);
  return `**${title}: ${total} lines.**${list(files)}\n\nLoads besides: ${others.join(", ")}.`;
}

/** A line for each room. What is in none is the package itself. */
function byRooms(files: readonly string[]): string {
  const roomOf = (path: string) => relative(rooms, path).split("/").slice(0, -1)[0] ?? "";
  const names = [...new Set(files.map(roomOf))].sort();
  const lines = names.map((room) => {
    const inside = files.filter((path) => roomOf(path) === room);
    return `- ${room || "the package"}: ${listed(inside, `${rooms}/${room}`)}`;
  });
  return `\n\n${lines.join("\n")}`;
}

function byNames(files: readonly string[]): string {
  const list = files.map((path) => `\`${path.split("/").at(-1)}\` ${lineCount(path)}`);
  return ` ${list.join(", ")}.`;
}

const text = [
  section(
    "Keeper and wardens",
    [`${rooms}/keeper/enter-rootfs.sh`, ...keeper.files],
    keeper.others,
    byRooms,
  ),
  section(
    "Zygote, on top of these",
    zygote.files.filter((path) => !keeper.files.includes(path)),
    zygote.others.filter((name) => !keeper.others.includes(name)),
    byRooms,
  ),
  section(
    "Porters, on top of these; they are confined before they read anything",
    porter.files.filter((path) => !keeper.files.includes(path)),
    porter.others.filter((name) => !keeper.others.includes(name)),
    byRooms,
  ),
  section("Supervisor", supervisor.files, supervisor.others, byNames),
].join("\n\n");

test("SECURITY.md names the trusted files, their lengths and what they load", () => {
  expectPrinted("SECURITY.md", "trusted files", text);
});

test("the keeper and the wardens load the standard library only", () => {
  const standard = new Set(
    "collections contextlib ctypes dataclasses errno fcntl heapq json os re resource select selectors signal socket stat struct sys termios time typing".split(
      " ",
    ),
  );
  expect(keeper.others.filter((name) => !standard.has(name))).toEqual([]);
});

test("porters load the standard library only", () => {
  const libraries = ["tarfile", "zipfile"];
  expect(porter.others.filter((name) => !keeper.others.includes(name))).toEqual(libraries);
});

test("the supervisor loads Node's own modules only", () => {
  expect(supervisor.others.filter((name) => !name.startsWith("node:"))).toEqual([]);
});
