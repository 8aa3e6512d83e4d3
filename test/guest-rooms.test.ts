/**
 * The guest's Python is one package of rooms. Who may import whom follows from what a room is trusted with:
 * what runs as root loads nothing that stands around user code.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const guest = join(dirname(fileURLToPath(import.meta.url)), "../packages/server/guest");
const rooms = join(guest, "_glovebox");

/** What each room may import besides itself. A room that is missing here fails the suite. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  policy: [],
  confine: ["wire"],
  warden: ["wire"],
  porter: ["wire", "confine"],
  display: [],
  kernel: ["wire", "display"],
  zygote: ["wire", "policy", "confine", "kernel"],
  keeper: ["wire", "policy", "confine", "warden", "porter"],
  // Sent into sandboxes as text: there is nothing of ours to import.
  probes: [],
};

function pythonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".py"),
  );
}

const sources = pythonFiles(rooms).map((path) => ({
  path,
  room: path.split("/").slice(0, -1)[0] ?? "",
  text: readFileSync(join(rooms, path), "utf8"),
}));
const modules = sources.filter(({ room }) => room !== "");

/** The dotted names that a file imports from; of the package itself, the rooms. */
function imported(text: string): string[] {
  const statement =
    /^[ \t]*(?:from[ \t]+(\S+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)|import[ \t]+([^\n#]+))/gm;
  return [...text.matchAll(statement)].flatMap(([, from, names = "", plain = ""]) => {
    if (from && from !== "_glovebox") return [from];
    const list = (from ? names : plain).replace(/[()]/g, "").split(",");
    const found = list.map((name) => name.trim().split(/\s/)[0] ?? "").filter(Boolean);
    return found.map((name) => (from ? `_glovebox.${name}` : name));
  });
}

function folders(place: string): string[] {
  const entries = readdirSync(place, { withFileTypes: true });
  const found = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return found.filter((name) => name !== "__pycache__").sort();
}

test("beside the package and its tests there is nothing", () => {
  expect(readdirSync(guest).sort()).toEqual(["_glovebox", "tests"]);
  expect(readdirSync(rooms).filter((name) => name.endsWith(".py"))).toEqual(["__init__.py"]);
});

test("every room has its place, and the tests are in rooms of the same names", () => {
  expect(folders(rooms)).toEqual(Object.keys(ALLOWED).sort());
  expect(folders(join(guest, "tests")).filter((name) => !(name in ALLOWED))).toEqual([]);
});

test("rooms import one way, and ours by the package's name only", () => {
  expect(modules.length).toBeGreaterThan(50);
  const names = new Set(modules.map(({ path }) => basename(path, ".py")));
  const wrong = modules.flatMap(({ path, room, text }) => {
    const allowed = new Set([room, ...(ALLOWED[room] ?? [])]);
    return imported(text)
      .filter((name) => {
        const [top = "", target = room] = name.split(".");
        return top === "_glovebox" ? !allowed.has(target) : top === "" || names.has(top);
      })
      .map((name) => `${path} imports ${name}`);
  });
  expect(wrong).toEqual([]);
});

test("every folder is a package, which needs no search path to find its modules", () => {
  const places = new Set(sources.map(({ path }) => dirname(join(rooms, path))));
  const bare = [...places].filter((place) => !existsSync(join(place, "__init__.py")));
  expect(bare).toEqual([]);
});

test("a Python file that a page or a docstring names is there", () => {
  const root = join(guest, "../../..");
  const pages = readdirSync(join(root, "docs")).map((name) => join("docs", name));
  const texts = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", ...pages]
    .filter((path) => path.endsWith(".md"))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  const there = ["packages/server/guest", "packages/python", "rootfs", "test/surface"].flatMap(
    (folder) => pythonFiles(join(root, folder)).map((path) => `/${folder}/${path}`),
  );
  // A path from the room on; a user's own file in an example stands between other quotes.
  const named = [
    ...texts.flatMap(({ path, text }) =>
      [...text.matchAll(/`([\w/]+\.py)`/g)].map(([, name = ""]) => ({ path, name })),
    ),
    ...sources.flatMap(({ path, text }) =>
      [...text.matchAll(/\b([a-z_]+\/[a-z_]+\.py)\b/g)].map(([, name = ""]) => ({ path, name })),
    ),
  ];
  expect(named.length).toBeGreaterThan(20);
  const lost = named.filter(({ name }) => !there.some((path) => path.endsWith(`/${name}`)));
  expect(lost).toEqual([]);
});
