import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OutputFolder, RefusedName, writeTo } from "./output-folder.js";

let base: string;
let directory: string;
let folder: OutputFolder;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "glovebox-out-"));
  directory = join(base, "out");
  folder = new OutputFolder(directory);
});
afterEach(() => rmSync(base, { recursive: true }));

function bytes(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

describe("files of a sandbox", () => {
  test("are saved with their folders, without being executable, over earlier ones", async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, "a.txt"), "old and longer");
    expect(await folder.save("a.txt", bytes("new"))).toBe(join(directory, "a.txt"));
    await folder.save("sub/deep/ü 漢.txt", bytes("x"));
    expect(readFileSync(join(directory, "a.txt"), "utf8")).toBe("new");
    expect(readFileSync(join(directory, "sub/deep/ü 漢.txt"), "utf8")).toBe("x");
    expect(statSync(join(directory, "a.txt")).mode & 0o111).toBe(0);
  });

  test.each([
    "../evil",
    "sub/../../evil",
    "/etc/evil",
    "..",
    ".",
    "",
    "sub//evil",
    "sub/",
    ".bashrc",
    ".git/hooks/post-checkout",
    "sub/.env",
  ])("called %j are refused", async (name) => {
    await expect(folder.save(name, bytes("x"))).rejects.toThrow(RefusedName);
    expect(readdirSync(base)).toEqual(existsSync(directory) ? ["out"] : []);
    expect(existsSync(join(directory, "evil"))).toBe(false);
  });

  test("get names that a terminal can show", async () => {
    const path = await folder.save("a\n\u001b[2J\u202eb\\c", bytes("x"));
    expect(path).toBe(join(directory, "a%0A%1B[2J%E2%80%AEb%5Cc"));
  });

  test("are not written through links", async () => {
    mkdirSync(directory);
    mkdirSync(join(base, "outside"));
    writeFileSync(join(base, "outside/file"), "theirs");
    symlinkSync(join(base, "outside"), join(directory, "sub"));
    symlinkSync(join(base, "outside/file"), join(directory, "file"));
    await expect(folder.save("sub/new", bytes("x"))).rejects.toThrow(RefusedName);
    await folder.save("file", bytes("ours"));
    expect(readdirSync(join(base, "outside"))).toEqual(["file"]);
    expect(readFileSync(join(base, "outside/file"), "utf8")).toBe("theirs");
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("ours");
  });

  test("do not replace each other, nor a folder", async () => {
    await folder.save("a\n", bytes("first"));
    await expect(folder.save("a%0A", bytes("second"))).rejects.toThrow(RefusedName);
    mkdirSync(join(directory, "sub"));
    await expect(folder.save("sub", bytes("x"))).rejects.toThrow(RefusedName);
  });

  test("that break off leave nothing behind", async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
      },
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    await expect(folder.save("a", broken)).rejects.toThrow("gone");
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a place that the caller has named", () => {
  test("is written to, whether it is new, a file, a link to one, or a pipe", async () => {
    mkdirSync(directory);
    const file = join(directory, "file");
    const link = join(directory, "link");
    symlinkSync(file, link);
    await writeTo(file, bytes("first"));
    await writeTo(link, bytes("second"));
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [read] = await Promise.all([readFile(pipe, "utf8"), writeTo(pipe, bytes("third"))]);
    expect(readFileSync(file, "utf8")).toBe("second");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(read).toBe("third");
    expect(readdirSync(directory).sort()).toEqual(["file", "link", "pipe"]);
  });
});
