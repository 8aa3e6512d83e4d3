import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseDotenv, readSettings } from "./settings.mjs";

describe("readSettings", () => {
  test("puts the root filesystem below the state directory", () => {
    expect(readSettings({ STATE_DIR: "/srv/state" }, "/nonexistent").rootfsDir).toBe(
      "/srv/state/rootfs",
    );
  });

  test("takes ROOTFS_DIR where it is set", () => {
    const environment = { STATE_DIR: "/srv/state", ROOTFS_DIR: "/srv/trees" };
    expect(readSettings(environment, "/nonexistent").rootfsDir).toBe("/srv/trees");
  });
});

describe("parseDotenv", () => {
  test("reads plain, quoted and exported variables and skips comments", () => {
    const text = "# a comment\nA=1\nB = \"two words\"\nexport C='x # y'\nD=4 # four\n\nnonsense\n";
    expect(parseDotenv(text)).toEqual({ A: "1", B: "two words", C: "x # y", D: "4" });
  });
});

describe("a .env file", () => {
  let folder;
  let path;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "settings-test-"));
    path = join(folder, ".env");
    writeFileSync(path, "DEBIAN_MIRROR=http://mirror\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("of root's own is read", () => {
    expect(readSettings({}, path).mirror).toBe("http://mirror");
  });

  test.each([
    ["belongs to somebody else", () => chownSync(path, 12345, 12345)],
    ["can be written by others", () => chmodSync(path, 0o666)],
    ["lies in a folder of somebody else", () => chownSync(folder, 12345, 12345)],
    ["lies in a folder that others can write", () => chmodSync(folder, 0o1777)],
    ["is a link", makeLink],
  ])("that %s stops set-up", (_, change) => {
    change();
    expect(() => readSettings({}, path)).toThrow(/not trusted/);
  });

  function makeLink() {
    rmSync(path);
    symlinkSync("/dev/null", path);
  }
});
