/** Every kind of change to a real log is found, at its place and under its name. */
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuditLog } from "./audit-log.js";
import { type AuditFile, listAuditFiles } from "./files.js";
import { GENESIS, seal, unseal } from "./record.js";
import { type Verdict, verifyChain } from "./verify.js";

const root = mkdtempSync(join(tmpdir(), "audit-verify-"));
afterAll(() => rmSync(root, { recursive: true }));
const original = join(root, "original");
const RECORDS_PER_FILE = 10;

const failures: unknown[] = [];
const options = {
  required: false,
  fileBytesMax: 1,
  filesKept: 3,
  onFailing: (error: unknown) => failures.push(error),
  onLost: (count: number) => failures.push(count),
};

/** With files of one byte at most, each opening of the log begins another file. */
async function write(directory: string, files: number): Promise<void> {
  for (let file = 0; file < files; file++) {
    const log = await AuditLog.open({ ...options, directory });
    for (let i = 0; i < RECORDS_PER_FILE; i++) {
      log.record("execution", { principal: "key_1", status: "ok", exit_code: i });
    }
    await log.stop();
  }
  expect(failures).toEqual([]);
}

beforeAll(() => write(original, 3));

let copies = 0;
async function tampered(
  change: (files: AuditFile[]) => void,
  from = original,
): Promise<Verdict & { files: AuditFile[] }> {
  const directory = join(root, `copy-${++copies}`);
  cpSync(from, directory, { recursive: true });
  change(await listAuditFiles(directory));
  const files = await listAuditFiles(directory);
  return { ...verifyChain(files, { complete: true }), files };
}

function edit(file: AuditFile | undefined, change: (lines: string[]) => string[]): void {
  const { path } = file as AuditFile;
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  writeFileSync(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/** What somebody writes who knows how records are made. */
function forge(line: string | undefined, shift: number, exitCode = 99): string {
  const record = unseal(line ?? "");
  if (!record) throw new Error("there is no such record");
  const head = { seq: record.seq - 1 + shift, hash: shift === 0 ? record.prev : record.hash };
  return seal(head, 0, "execution", { exit_code: exitCode }).line;
}

test("what was written is intact, over files and restarts", async () => {
  const verdict = await tampered(() => undefined);
  expect(verdict.break).toBeUndefined();
  expect(verdict.records).toBeGreaterThanOrEqual(30);
  expect(verdict.first).toMatchObject({ seq: 1, prev: GENESIS });
  expect(verdict.last?.seq).toBe(verdict.records);
});

describe("a change is found", () => {
  const line = 5;
  const splice =
    (start: number, count: number, ...more: string[]) =>
    (lines: string[]) =>
      lines.toSpliced(start - 1, count, ...more);

  const cases: [string, string, number, number, (files: AuditFile[]) => void][] = [
    [
      "a value",
      "modified",
      0,
      line,
      ([a]) => edit(a, (l) => l.with(4, l[4]?.replace('"ok"', '"no"') ?? "")),
    ],
    [
      "a time",
      "modified",
      1,
      line,
      ([, b]) => edit(b, (l) => l.with(4, l[4]?.replace(/T\d\d/, "T99") ?? "")),
    ],
    [
      "a hash",
      "modified",
      0,
      line,
      ([a]) => edit(a, (l) => l.with(4, l[4]?.replace(/.{5}"\}$/, '00000"}') ?? "")),
    ],
    ["a line by nothing", "modified", 0, line, ([a]) => edit(a, splice(line, 1, ""))],
    [
      "a record by a forged one",
      "modified",
      0,
      line,
      ([a]) => edit(a, (l) => l.with(4, forge(l[4], 0))),
    ],
    [
      "the last of a file by a forged one",
      "modified",
      0,
      RECORDS_PER_FILE,
      ([a]) => edit(a, (l) => l.with(9, forge(l[9], 0))),
    ],
    [
      "the first of all by a forged one",
      "modified",
      0,
      1,
      ([a]) => edit(a, (l) => l.with(0, forge(l[0], 0))),
    ],
    ["a record taken out", "removed", 0, line, ([a]) => edit(a, splice(line, 1))],
    ["several taken out", "removed", 1, line, ([, b]) => edit(b, splice(line, 3))],
    ["the beginning taken out", "removed", 0, 1, ([a]) => edit(a, splice(1, 3))],
    ["the end of a file that is not the newest", "removed", 1, 1, ([a]) => edit(a, splice(8, 3))],
    ["a file taken out", "removed", 1, 1, ([, b]) => rmSync(b?.path ?? "")],
    ["the oldest file taken out", "removed", 0, 1, ([a]) => rmSync(a?.path ?? "")],
    [
      "a record twice",
      "inserted",
      0,
      line + 1,
      ([a]) => edit(a, (l) => l.toSpliced(5, 0, l[4] ?? "")),
    ],
    ["a line that is nothing", "inserted", 0, line, ([a]) => edit(a, splice(line, 0, "{}"))],
    [
      "a forged record in between",
      "inserted",
      0,
      line + 1,
      ([a]) => edit(a, (l) => l.toSpliced(4, 0, forge(l[3], 1))),
    ],
    [
      "two records changed in order",
      "reordered",
      0,
      line,
      ([a]) => edit(a, (l) => [...l.slice(0, 4), l[5] ?? "", l[4] ?? "", ...l.slice(6)]),
    ],
    [
      "a record moved to another file",
      "reordered",
      0,
      line,
      ([a, b]) => {
        let moved = "";
        edit(a, (l) => {
          moved = l[4] ?? "";
          return splice(line, 1)(l);
        });
        edit(b, (l) => [...l, moved]);
      },
    ],
    [
      "half of the last line",
      "torn",
      2,
      -1,
      ([, , c]) => {
        const path = c?.path ?? "";
        writeFileSync(path, readFileSync(path).subarray(0, -20));
      },
    ],
    [
      "half of a line in an older file",
      "modified",
      0,
      RECORDS_PER_FILE,
      ([a]) => {
        const path = a?.path ?? "";
        writeFileSync(path, readFileSync(path).subarray(0, -20));
      },
    ],
  ];

  test.each(cases)("%s: %s", async (_, kind, file, number, change) => {
    const verdict = await tampered(change);
    expect(verdict.break?.kind).toBe(kind);
    const expected = verdict.files[file]?.path ?? "";
    expect(expected.endsWith(verdict.break?.file ?? "-")).toBe(true);
    if (number > 0) expect(verdict.break?.line).toBe(number);
  });

  test("one bit of any byte of a record", async () => {
    const directory = join(root, "bits");
    await write(directory, 1);
    const files = await listAuditFiles(directory);
    const path = files[0]?.path ?? "";
    const good = readFileSync(path);
    const third = good.indexOf("\n", good.indexOf("\n") + 1) + 1;
    for (let offset = third; offset < good.indexOf("\n", third); offset++) {
      const bad = Buffer.from(good);
      bad[offset] = (bad[offset] ?? 0) ^ (1 << (offset % 8));
      writeFileSync(path, bad);
      const verdict = verifyChain(files, { complete: true });
      expect(verdict.break, `offset ${offset}`).toBeDefined();
      expect(verdict.records).toBe(2);
    }
  });
});

test("files that retention has removed are no break, more than that are", async () => {
  const directory = join(root, "retention");
  await write(directory, 6);
  const whole = await tampered(() => undefined, directory);
  expect(whole.files).toHaveLength(3);
  expect(whole.break).toBeUndefined();
  expect(whole.first?.seq).toBeGreaterThan(1);
  const shorter = await tampered(([oldest]) => rmSync(oldest?.path ?? ""), directory);
  expect(shorter.break).toMatchObject({ kind: "removed", line: 1 });
  const newest = await tampered(([, , last]) => rmSync(last?.path ?? ""), directory);
  expect(newest.break).toMatchObject({ kind: "removed", line: 1 });
});

test("a head that was noted shows whether the end was cut off", async () => {
  const files = await listAuditFiles(original);
  const head = verifyChain(files, { complete: true }).last?.hash ?? "";
  expect(verifyChain(files, { complete: true, hash: head }).contains).toBe(true);
  const cut = await tampered(([, , c]) => edit(c, (lines) => lines.slice(0, -1)));
  expect(cut.break).toBeUndefined();
  expect(verifyChain(cut.files, { complete: true, hash: head }).contains).toBe(false);
});

test("some of the files can be verified by themselves", async () => {
  const files = await listAuditFiles(original);
  const verdict = verifyChain(files.slice(1, 2), { complete: false });
  expect(verdict.break).toBeUndefined();
  expect(verdict.first?.seq).toBeGreaterThan(1);
});

test("a line without end and a link are not followed into trouble", async () => {
  const long = await tampered(([a]) => writeFileSync(a?.path ?? "", "x".repeat(5_000_000)));
  expect(long.break).toMatchObject({ kind: "modified", line: 1 });
  const link = tampered(([a]) => {
    rmSync(a?.path ?? "");
    symlinkSync("/etc/passwd", a?.path ?? "");
  });
  await expect(link).rejects.toThrow();
});

test("a file of any length without content is given up soon, and those after it are read", async () => {
  const started = performance.now();
  const sparse = await tampered(([, b]) => truncateSync(b?.path ?? "", 2 ** 42));
  expect(sparse.break).toMatchObject({ kind: "inserted" });
  expect(performance.now() - started).toBeLessThan(5000);
});
