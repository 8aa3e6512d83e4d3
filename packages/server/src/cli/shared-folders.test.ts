import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Config, loadConfig } from "../config.js";
import { findSharedFolders, warnOfWritable } from "./shared-folders.js";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "glovebox-shared-"));
  mkdirSync(join(base, "data"));
  mkdirSync(join(base, "state/gateway"), { recursive: true });
});

afterEach(() => rmSync(base, { recursive: true }));

function config(mounts: string, more: Record<string, string> = {}): Config {
  return loadConfig({ STATE_DIR: `${base}/state`, DATA_MOUNTS: mounts, ...more }, "none");
}

function find(mounts: string) {
  return () => findSharedFolders(config(mounts));
}

describe("findSharedFolders", () => {
  test("tells what the privileged side has to know", () => {
    const [folder, ...others] = find(`x=${base}/data`)();
    expect(others).toEqual([]);
    expect(folder?.description).toMatch(/^x:ro:\d+:\d+:\d+:\d+$/);
    expect(folder?.path).toBe(`${base}/data`);
  });

  test("takes WHEEL_DIR along, read-only", () => {
    const found = findSharedFolders(config("", { WHEEL_DIR: `${base}/data` }));
    expect(found.map(({ description }) => description)).toEqual([
      expect.stringMatching(/^\.wheels:ro:/),
    ]);
    expect(() => findSharedFolders(config("", { WHEEL_DIR: "/nowhere" }))).toThrow(
      "WHEEL_DIR: there is no folder /nowhere",
    );
  });

  test.each([
    "/",
    "/home",
    "/root",
    "/etc",
    "/etc/ssl",
    "/proc",
    "/proc/1",
    "/sys",
    "/dev",
    "/tmp",
  ])("refuses %s", (path) => {
    expect(find(`x=${path}`)).toThrow(/^DATA_MOUNTS: x: \/.* cannot be shared$/);
  });

  test("refuses what is no folder", () => {
    writeFileSync(`${base}/file`, "");
    expect(find(`x=${base}/file`)).toThrow("is not a folder");
    expect(find(`x=${base}/none`)).toThrow("there is no folder");
  });

  test("refuses what holds Glovebox's own files, and its own parts", () => {
    expect(find(`x=${base}/state`)).toThrow("holds the state directory");
    expect(find(`x=${base}`)).toThrow("holds the state directory");
    expect(find(`x=${base}/state/gateway`)).toThrow("is Glovebox's own");
    expect(find(`x=${process.cwd()}`)).toThrow("holds Glovebox itself");
  });

  test("sees through links", () => {
    symlinkSync("/etc", `${base}/link`);
    expect(find(`x=${base}/link`)).toThrow(`${base}/link, which is /etc,`);
  });

  test("refuses to let code write what belongs to root", () => {
    chownSync(`${base}/data`, 0, 0);
    expect(find(`x=${base}/data:rw`)).toThrow(/belongs to root.*chown -R/);
    chownSync(`${base}/data`, 12345, 0);
    expect(find(`x=${base}/data:rw`)).toThrow("belongs to root");
    chownSync(`${base}/data`, 12345, 12345);
    const found = find(`x=${base}/data:rw`)();
    expect(found[0]?.description).toMatch(/^x:rw:12345:12345:/);
    expect(warnOfWritable(found)).toContain(`${base}/data (at /data/x)`);
  });
});
