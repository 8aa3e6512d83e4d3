import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfig } from "../config.js";
import { watchGateway, watchKeeper } from "./watch-children.js";
import type { Watchdog } from "./watchdog.js";

const runDir = mkdtempSync(join(tmpdir(), "watch-"));
const socket = join(runDir, "keeper.sock");
const kill = vi.fn();
const child = { kill } as unknown as ChildProcess;
const config = { ...loadConfig({}, "/nonexistent"), watchdogMs: 4000, runDir };
const written: string[] = [];
let watchdog: Watchdog | undefined;
let ticks = 1;

beforeEach(() => {
  vi.useFakeTimers();
  kill.mockClear();
  written.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  watchdog?.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});
afterAll(() => rmSync(runDir, { recursive: true }));

/** What the keeper does while its loop turns. */
function showLife(): void {
  writeFileSync(socket, "");
  utimesSync(socket, ++ticks, ticks);
}

function pass(seconds: number, everySecond?: () => void): void {
  for (let second = 0; second < seconds; second++) {
    everySecond?.();
    vi.advanceTimersByTime(1000);
  }
}

test("a gateway that was heard and falls silent is killed, and the log says why", () => {
  watchdog = watchGateway(child, config);
  pass(10, () => watchdog?.heard());
  expect(kill).not.toHaveBeenCalled();
  pass(6);
  expect(kill).toHaveBeenCalledExactlyOnceWith("SIGKILL");
  expect(written.join("")).toMatch(
    /^glovebox: the gateway has been silent for [45] s and is killed\n$/,
  );
});

test("a gateway has a minute to begin with", () => {
  watchdog = watchGateway(child, config);
  pass(58);
  expect(kill).not.toHaveBeenCalled();
  pass(4);
  expect(kill).toHaveBeenCalledOnce();
});

test("a keeper is waited for until its socket is there, and killed when that no longer changes", () => {
  watchdog = watchKeeper(child, config);
  pass(120);
  pass(10, showLife);
  pass(10);
  expect(kill).not.toHaveBeenCalled();
  pass(4);
  expect(kill).toHaveBeenCalledExactlyOnceWith("SIGKILL");
});

test("what the keeper before it has left is no sign of life", () => {
  showLife();
  watchdog = watchKeeper(child, config);
  pass(120);
  expect(kill).not.toHaveBeenCalled();
  showLife();
  pass(14);
  expect(kill).toHaveBeenCalledOnce();
});

test("nobody is watched where that is switched off", () => {
  const off = { ...config, watchdogMs: 0 };
  expect([watchGateway(child, off), watchKeeper(child, off)]).toEqual([undefined, undefined]);
});
