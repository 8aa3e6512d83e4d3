/** Limits that a request asks for, checked against the configured maxima. */

import type { Config } from "../config.js";
import { ServiceError } from "../errors.js";
import type { SandboxLimits } from "../sandbox/sandbox.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
/** Below this not even an idle kernel fits beside the pages that it changes. */
export const MEMORY_BYTES_MIN = 32 * 2 ** 20;
export const CPU_CORES_MIN = 0.05;

/** "200m", "1g", or bytes. */
export type MemoryLimit = string | number;

/** As callers write them; undefined for what they leave as it is. */
export interface AskedLimits {
  readonly memory?: MemoryLimit | undefined;
  readonly cpuCores?: number | undefined;
}

/** What the code of a request may take. */
export interface AskedBounds {
  /** Seconds, of each run; undefined for the most there is. */
  readonly timeout: number | undefined;
  readonly limits: AskedLimits;
}

export interface Bounds {
  readonly timeoutMs: number;
  readonly limits: Partial<SandboxLimits>;
}

/** The one look at what a request that runs code sets. @throws ServiceError INVALID_REQUEST naming the field */
export function checkBounds({ timeout, limits }: AskedBounds, config: Config): Bounds {
  return { timeoutMs: checkTimeout(timeout, config), limits: checkLimits(limits, config) };
}

function outOfRange(field: string, problem: string): ServiceError {
  return new ServiceError("INVALID_REQUEST", `${field} ${problem}`);
}

/** "200m" -> 209715200. The schema has checked the form. */
export function parseMemory(limit: MemoryLimit): number {
  if (typeof limit === "number") return limit;
  const [, amount, unit = ""] = /^([0-9.]+)\s*([a-zA-Z]?)/.exec(limit) ?? [];
  return Math.floor(Number(amount) * (UNITS[unit.toLowerCase()] ?? 1));
}

/** @throws ServiceError INVALID_REQUEST naming the field */
export function checkLimits(asked: AskedLimits, config: Config): Partial<SandboxLimits> {
  const { memory, cpuCores } = asked;
  const limits: { memoryBytes?: number; cpuCores?: number } = {};
  if (memory !== undefined) {
    const bytes = parseMemory(memory);
    if (bytes < MEMORY_BYTES_MIN || bytes > config.memoryBytesMax) {
      const [low, high] = [MEMORY_BYTES_MIN, config.memoryBytesMax].map((n) => `${n / 2 ** 20}m`);
      throw outOfRange("memory_limit", `must be from ${low} to ${high} (MAX_MEMORY_MB)`);
    }
    limits.memoryBytes = bytes;
  }
  if (cpuCores !== undefined) {
    if (cpuCores < CPU_CORES_MIN || cpuCores > config.cpuCoresMax) {
      throw outOfRange(
        "cpu_limit",
        `must be from ${CPU_CORES_MIN} to ${config.cpuCoresMax} cores (MAX_CPUS)`,
      );
    }
    limits.cpuCores = cpuCores;
  }
  return limits;
}

/** Milliseconds. @throws ServiceError INVALID_REQUEST */
export function checkTimeout(seconds: number | undefined, config: Config): number {
  if (seconds === undefined) return config.executionTimeMsMax;
  const milliseconds = seconds * 1000;
  if (milliseconds > config.executionTimeMsMax) {
    throw outOfRange(
      "timeout",
      `must be at most ${config.executionTimeMsMax / 1000} seconds (MAX_EXECUTION_TIME)`,
    );
  }
  return Math.max(1, milliseconds);
}

export const TTL_SECONDS_MAX = 7 * 86_400;

/** Milliseconds; undefined stays. @throws ServiceError INVALID_REQUEST */
export function checkTtl(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > TTL_SECONDS_MAX) {
    throw outOfRange("ttl", `must be at most ${TTL_SECONDS_MAX} seconds, a week`);
  }
  return seconds * 1000;
}

/** @throws ServiceError CODE_TOO_LARGE */
export function checkCode(code: string, config: Config): void {
  if (Buffer.byteLength(code) <= config.codeBytesMax) return;
  throw new ServiceError(
    "CODE_TOO_LARGE",
    `code has more than ${config.codeBytesMax} bytes (MAX_CODE_SIZE)`,
  );
}
