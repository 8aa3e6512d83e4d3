import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Random } from "../fuzz/random.ts";
import { cellsToRun, draw, fileNameOf, type Program, programsOf } from "./programs.ts";

const collection = {
  name: "some",
  debianPackage: "python-some-doc",
  folders: ["usr/share/doc/python-some-doc/examples", "usr/share/doc/python-some-doc/absent"],
};
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "glovebox-corpus-test-"));
  const put = (path: string, content: string | Buffer) => {
    const place = join(folder, collection.folders[0] ?? "", path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  };
  put("one.py", "print(1)\n");
  put("same.py", "print(1)\n");
  put("packed.py.gz", gzipSync("print(2)\n"));
  put("deep/data/table.csv", "a\n");
  put("deep/reads.py", "open('data/table.csv')\n");
  put("deep/large.bin", Buffer.alloc((1 << 20) + 1));
  put("old.ipynb", JSON.stringify({ nbformat: 3, worksheets: [{ cells: [] }] }));
  put("new.ipynb", JSON.stringify({ nbformat: 4, cells: [] }));
  put("page.html", "no program");
});
afterAll(() => rmSync(folder, { recursive: true }));

it("finds each program once, with the data that lies beside it", () => {
  const found = programsOf(collection, folder);
  expect(found.map(({ name, kind, text }) => [name, kind, text])).toEqual([
    ["some/examples/deep/reads.py", "script", "open('data/table.csv')\n"],
    ["some/examples/new.ipynb", "notebook", '{"nbformat":4,"cells":[]}'],
    ["some/examples/one.py", "script", "print(1)\n"],
    ["some/examples/packed.py.gz", "script", "print(2)\n"],
  ]);
  expect(found[0]?.files.map(({ path, content }) => [path, String(content)])).toEqual([
    ["data/table.csv", "a\n"],
  ]);
  expect(found.map(fileNameOf)).toEqual(["reads.py", "new.ipynb", "one.py", "packed.py"]);
});

it("draws the same programs for the same seed, none twice", () => {
  const programs = Array.from({ length: 50 }, (_, index) => program(`${index}.py`));
  const names = (seed: number) => draw(programs, 20, new Random(seed)).map(({ name }) => name);
  expect(names(1)).toEqual(names(1));
  expect(names(1)).not.toEqual(names(2));
  expect(new Set(names(1)).size).toBe(20);
  expect(draw(programs, 99, new Random(1))).toHaveLength(50);
});

it("takes the cells that a notebook's tags let run", () => {
  const cell = (source: string | string[], ...tags: string[]) => ({
    cell_type: "code",
    source,
    metadata: { tags },
  });
  const cells = [
    { cell_type: "markdown", source: "# words" },
    cell(["a = 1\n", "a"]),
    cell(" \n"),
    cell("no()", "skip-execution"),
    cell("1 / 0", "raises-exception"),
    { cell_type: "code", source: "b" },
  ];
  const notebook = { ...program("n.ipynb", JSON.stringify({ cells })), kind: "notebook" as const };
  expect(cellsToRun(notebook)).toEqual([
    { source: "a = 1\na", may_fail: false },
    { source: "1 / 0", may_fail: true },
    { source: "b", may_fail: false },
  ]);
  expect(cellsToRun(program("x.py", "x"))).toEqual([{ source: "x", may_fail: false }]);
});

function program(name: string, text = ""): Program {
  return { name, kind: "script", text, files: [] };
}
