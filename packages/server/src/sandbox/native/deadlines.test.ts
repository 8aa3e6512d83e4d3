import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Deadlines } from "./deadlines.js";

const directory = mkdtempSync(join(tmpdir(), "deadlines-"));
const path = join(directory, "deadlines");
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => writeFileSync(path, Buffer.alloc(8 * 16)));

function entries(): number[] {
  const bytes = readFileSync(path);
  return Array.from({ length: bytes.length / 8 }, (_, slot) => bytes.readDoubleLE(slot * 8));
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

test("a deadline is a moment of the monotonic clock, later than the timers of this process", () => {
  const deadlines = new Deadlines(path);
  const before = monotonicMs();
  deadlines.begin(3, 5000);
  const after = monotonicMs();
  const [moment = 0] = entries().splice(3, 1);
  expect(moment).toBeGreaterThanOrEqual(before + 5000 + 1500);
  expect(moment).toBeLessThanOrEqual(after + 5000 + 3000);
  expect(entries().filter((entry) => entry !== 0)).toHaveLength(1);
});

test("what is over has none, and the others keep theirs", () => {
  const deadlines = new Deadlines(path);
  deadlines.begin(0, 1000);
  deadlines.begin(15, 1000);
  deadlines.end(0);
  expect(entries().map((entry) => entry !== 0)).toEqual([...Array(15).fill(false), true]);
});

test("without the keeper's file no code is run", () => {
  const deadlines = new Deadlines(join(directory, "none"));
  expect(() => deadlines.begin(0, 1000)).toThrow("ENOENT");
});
