/** Whether this machine lets the server hold as many files open as its sandboxes need. */

import { readFileSync } from "node:fs";
import type { Config } from "../config.js";

/** As `keeper/sandboxes.py` counts; the gateway needs as many. */
export const DESCRIPTORS_EACH = 5;
export const DESCRIPTORS_ELSE = 128;

/** What the operator should know before sandboxes run out. Empty where there is room for all. */
export function warnOfOpenFiles(
  { sessionsMax, poolSize }: Pick<Config, "sessionsMax" | "poolSize">,
  limits = readFileSync("/proc/self/limits", "utf8"),
): string {
  const hard = Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const sandboxes = sessionsMax + poolSize;
  const needed = sandboxes * DESCRIPTORS_EACH + DESCRIPTORS_ELSE;
  if (hard >= needed) return "";
  const possible = Math.max(0, Math.floor((hard - DESCRIPTORS_ELSE) / DESCRIPTORS_EACH));
  return `glovebox: the hard limit of open files is ${hard}, which is enough for ${possible} sandboxes; MAX_SESSIONS and POOL_SIZE together ask for ${sandboxes}. Raise it to ${needed} or more (LimitNOFILE= of a systemd unit, docker run --ulimit nofile=${needed}:${needed}, or ulimit -Hn before the start), or lower MAX_SESSIONS.\n`;
}
