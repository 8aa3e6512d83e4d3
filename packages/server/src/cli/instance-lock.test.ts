import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "../config.js";
import { lockInstance } from "./instance-lock.js";

let stateDir: string;
let path: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "lock-test-"));
  path = join(stateDir, "server.pid");
});
afterEach(() => rmSync(stateDir, { recursive: true }));

test("a second lock is refused while its owner lives, and names the owner", () => {
  const unlock = lockInstance(stateDir);
  expect(() => lockInstance(stateDir)).toThrow(ConfigError);
  expect(() => lockInstance(stateDir)).toThrow(`pid ${process.pid}`);
  unlock();
});

test("a refused lock leaves the owner's file alone", () => {
  const unlock = lockInstance(stateDir);
  const before = readFileSync(path, "utf8");
  expect(() => lockInstance(stateDir)).toThrow();
  expect(readFileSync(path, "utf8")).toBe(before);
  unlock();
});

test("a lock that was given back can be taken again", () => {
  lockInstance(stateDir)();
  expect(existsSync(path)).toBe(false);
  lockInstance(stateDir)();
});

test("locks of different state directories do not meet", () => {
  const unlock = lockInstance(stateDir);
  lockInstance(join(stateDir, "other"))();
  unlock();
});

test("the state directory is made where it is missing", () => {
  const nested = join(stateDir, "a/b");
  const unlock = lockInstance(nested);
  expect(statSync(nested).isDirectory()).toBe(true);
  unlock();
});

test("a lock whose owner was killed is replaced", async () => {
  const child = spawn("sleep", ["60"]);
  const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  writeFileSync(path, `${child.pid} ${started}\n`);
  expect(() => lockInstance(stateDir)).toThrow(`pid ${child.pid}`);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  const unlock = lockInstance(stateDir);
  expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\\n$`));
  unlock();
});

test("a pid that now belongs to another process does not hold the lock", () => {
  writeFileSync(path, `${process.pid} 1\n`);
  lockInstance(stateDir)();
});

test.each(["", "\n", "garbage", "12", "-1 x", "../../etc 5"])(
  "a file that holds %j does not hold the lock",
  (content) => {
    writeFileSync(path, content);
    lockInstance(stateDir)();
  },
);
