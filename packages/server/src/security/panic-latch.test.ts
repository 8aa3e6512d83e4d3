import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { PanicLatch } from "./panic-latch.js";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), "latch-"));
  directories.push(directory);
  return join(directory, "panic.json");
}

describe("PanicLatch", () => {
  test("is open where nobody panicked", () => {
    expect(new PanicLatch(place()).note).toBeNull();
  });

  test("holds for whoever opens the file next, until it is cleared", () => {
    const path = place();
    const note = new PanicLatch(path).set("a \n reason");
    expect(new PanicLatch(path).note).toEqual(note);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, ".."))).toEqual(["panic.json"]);
    const latch = new PanicLatch(path);
    latch.clear();
    latch.clear();
    expect(latch.note).toBeNull();
    expect(new PanicLatch(path).note).toBeNull();
  });

  test.each(["", "{", "null", "[]"])("holds when the file says %j, which nobody wrote", (text) => {
    const path = place();
    writeFileSync(path, text);
    expect(new PanicLatch(path).note).not.toBeNull();
  });

  test("holds in this process also where the file cannot be written", () => {
    const latch = new PanicLatch(join(place(), "missing", "panic.json"));
    expect(() => latch.set("now")).toThrow();
    expect(latch.note?.reason).toBe("now");
  });
});
