import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isComplete, parsePackages, readRecipe, removeUnfinished } from "./rootfs.mjs";

const HASH = "0123456789abcdef";
let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glovebox-rootfs-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("parsePackages skips comments and empty lines", () => {
  expect(parsePackages("# all\npython3\n\n  procps # ps\n")).toEqual(["python3", "procps"]);
});

test("the recipe names every package once and nothing but package names", () => {
  const { packages } = readRecipe();
  expect(new Set(packages).size).toBe(packages.length);
  expect(packages.filter((name) => !/^[a-z0-9][a-z0-9.+-]+$/.test(name))).toEqual([]);
});

describe("a tree", () => {
  test("is not complete without its marker", () => {
    mkdirSync(join(folder, HASH, "usr"), { recursive: true });
    expect(isComplete(folder, HASH)).toBe(false);
  });

  test("is not complete when only its marker exists", () => {
    writeFileSync(join(folder, `${HASH}.complete`), "");
    expect(isComplete(folder, HASH)).toBe(false);
  });

  test("without a marker is removed like an interrupted build, and a complete one is kept", () => {
    const complete = "fedcba9876543210";
    for (const name of [HASH, complete, ".building-1"]) {
      mkdirSync(join(folder, name, "usr"), { recursive: true });
    }
    writeFileSync(join(folder, `${complete}.complete`), "");
    expect(removeUnfinished(folder).sort()).toEqual([".building-1", HASH]);
    expect(isComplete(folder, complete)).toBe(true);
  });
});
