/** Looking at the host, and trying something on it. */

import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";

const TOOL_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const TRIAL_TIMEOUT_MS = 10_000;

export function attempt(command: string, args: string[]): { ok: boolean; reason: string } {
  const path = findTool(command);
  if (path === undefined) return { ok: false, reason: `${command} is not installed` };
  const { status, stderr, error } = spawnSync(path, args, {
    encoding: "utf8",
    timeout: TRIAL_TIMEOUT_MS,
  });
  if (error !== undefined) return { ok: false, reason: error.message };
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  return { ok: status === 0, reason: reason === "" ? `exit status ${status}` : reason };
}

export function findTool(tool: string): string | undefined {
  return TOOL_FOLDERS.map((folder) => join(folder, tool)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function kernelIsAtLeast([major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
