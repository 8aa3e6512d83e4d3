import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
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
  folder = new OutputFolder(directory, { force: true });
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

describe("without --force", () => {
  beforeEach(() => {
    folder = new OutputFolder(directory, { force: false });
    mkdirSync(directory);
    writeFileSync(join(directory, "Makefile"), "theirs");
  });

  test("nothing that is there is replaced, be it a file, a folder or a link", async () => {
    symlinkSync(join(base, "nowhere"), join(directory, "link"));
    mkdirSync(join(directory, "sub"));
    for (const name of ["Makefile", "link", "sub"]) {
      await expect(folder.save(name, bytes("ours"))).rejects.toThrow(/here/);
    }
    expect(readFileSync(join(directory, "Makefile"), "utf8")).toBe("theirs");
    expect(lstatSync(join(directory, "link")).isSymbolicLink()).toBe(true);
    expect(existsSync(join(base, "nowhere"))).toBe(false);
    expect(readdirSync(directory).sort()).toEqual(["Makefile", "link", "sub"]);
  });

  test("what appears while the bytes come is not replaced either", async () => {
    const late = exchanging("ours", () => writeFileSync(join(directory, "late"), "theirs"));
    await expect(folder.save("late", late)).rejects.toThrow(RefusedName);
    expect(readFileSync(join(directory, "late"), "utf8")).toBe("theirs");
    expect(readdirSync(directory).sort()).toEqual(["Makefile", "late"]);
  });

  test("what would be replaced is known beforehand", () => {
    mkdirSync(join(directory, "sub"));
    writeFileSync(join(directory, "sub/a%0A"), "");
    const paths = ["Makefile", "new", "sub/a\n", "../Makefile", ".hidden", "Makefile/x"];
    expect(folder.taken(paths)).toEqual(["Makefile", "sub/a\n"]);
  });

  test("nor is a file that the caller has named", async () => {
    const file = join(directory, "Makefile");
    const link = join(directory, "link");
    symlinkSync(file, link);
    for (const path of [file, link]) {
      await expect(writeTo(path, bytes("ours"), { force: false })).rejects.toThrow("--force");
    }
    expect(readFileSync(file, "utf8")).toBe("theirs");
    await writeTo(join(directory, "new"), bytes("ours"), { force: false });
    expect(readFileSync(join(directory, "new"), "utf8")).toBe("ours");
    await expect(writeTo(join(directory, "no/new"), bytes("x"), { force: false })).rejects.toThrow(
      "there is no folder",
    );
  });

  test("a name that is too long here is refused alone", async () => {
    await expect(folder.save("\n".repeat(200), bytes("x"))).rejects.toThrow(RefusedName);
  });
});

describe("in a folder that others can write", () => {
  const theirs = () => join(base, "theirs");
  beforeEach(() => {
    mkdirSync(theirs());
    chownSync(theirs(), 12345, 12345);
    mkdirSync(join(base, "outside"));
  });

  test("what is written goes where it began, whatever the name leads to by then", async () => {
    const directory = join(theirs(), "out");
    for (const force of [true, false]) {
      mkdirSync(join(directory, "sub"), { recursive: true });
      const exchange = () => {
        renameSync(directory, `${directory}-${force}`);
        symlinkSync(join(base, "outside"), directory);
      };
      const saving = new OutputFolder(directory, { force }).save(
        "sub/file",
        exchanging("x", exchange),
      );
      await saving;
      expect(readdirSync(join(`${directory}-${force}`, "sub"))).toEqual(["file"]);
      expect(readdirSync(join(base, "outside"))).toEqual([]);
      rmSync(directory);
    }
  });

  test("no link of theirs is followed, wherever on the way it is", async () => {
    symlinkSync(join(base, "outside"), join(theirs(), "link"));
    lchownSync(join(theirs(), "link"), 12345, 12345);
    const link = join(theirs(), "link");
    for (const directory of [link, join(link, "deeper")]) {
      const saving = new OutputFolder(directory, { force: true }).save("file", bytes("x"));
      await expect(saving).rejects.toThrow(/a link that others can change/);
    }
    const file = join(theirs(), "file");
    writeFileSync(join(base, "outside/file"), "theirs");
    symlinkSync(join(base, "outside/file"), file);
    await expect(writeTo(file, bytes("ours"), { force: true })).rejects.toThrow(
      /others can change/,
    );
    expect(readFileSync(join(base, "outside/file"), "utf8")).toBe("theirs");
    expect(readdirSync(join(base, "outside"))).toEqual(["file"]);
  });

  test("in a sticky one, links of others are not followed, and one's own are", async () => {
    chownSync(theirs(), 0, 0);
    chmodSync(theirs(), 0o1777);
    symlinkSync("../outside", join(theirs(), "own"));
    symlinkSync("../outside", join(theirs(), "other"));
    lchownSync(join(theirs(), "other"), 12345, 12345);
    await new OutputFolder(join(theirs(), "own"), { force: false }).save("file", bytes("x"));
    expect(readdirSync(join(base, "outside"))).toEqual(["file"]);
    const saving = new OutputFolder(join(theirs(), "other"), { force: true }).save("b", bytes("x"));
    await expect(saving).rejects.toThrow(/others can change/);
  });

  test("links that lead in a circle are told of", async () => {
    symlinkSync("b", join(base, "a"));
    symlinkSync("a", join(base, "b"));
    const saving = new OutputFolder(join(base, "a"), { force: true }).save("file", bytes("x"));
    await expect(saving).rejects.toThrow("too many links");
  });

  test("somebody who exchanges a folder for a link all the time gains nothing", async () => {
    const place = JSON.stringify(join(theirs(), "sub"));
    const racer = spawn(process.execPath, [
      "-e",
      `const fs = require("node:fs");
       process.stdout.write("ready");
       for (let n = 0; ; n++) {
         try { fs.renameSync(${place}, ${place} + n); } catch {}
         try { fs.symlinkSync(${JSON.stringify(join(base, "outside"))}, ${place}); } catch {}
         try { fs.unlinkSync(${place}); } catch {}
       }`,
    ]);
    await once(racer.stdout, "data");
    let refused = 0;
    const out = new OutputFolder(theirs(), { force: true });
    for (let round = 0; round < 150; round++) {
      await out.save(`sub/file-${round}`, bytes("x")).catch(() => refused++);
    }
    racer.kill("SIGKILL");
    await once(racer, "close");
    expect(readdirSync(join(base, "outside"))).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  });
});

/** Does something when the first bytes were taken. */
function exchanging(text: string, action: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(Buffer.from(text)),
      pull(controller) {
        action();
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

describe("a place that the caller has named", () => {
  test("is written to, whether it is new, a file, a link to one, or a pipe", async () => {
    mkdirSync(directory);
    const file = join(directory, "file");
    const link = join(directory, "link");
    symlinkSync(file, link);
    await writeTo(file, bytes("first"), { force: true });
    await writeTo(link, bytes("second"), { force: true });
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [read] = await Promise.all([
      readFile(pipe, "utf8"),
      writeTo(pipe, bytes("third"), { force: false }),
    ]);
    expect(readFileSync(file, "utf8")).toBe("second");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(read).toBe("third");
    expect(readdirSync(directory).sort()).toEqual(["file", "link", "pipe"]);
  });
});
