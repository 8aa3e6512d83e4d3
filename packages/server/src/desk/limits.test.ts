import { describe, expect, test } from "vitest";
import { loadConfig } from "../config.js";
import { ServiceError } from "../errors.js";
import { checkLimits, checkTimeout, parseMemory } from "./limits.js";

const config = loadConfig({ MAX_MEMORY_MB: "512", MAX_CPUS: "0.5" }, "/nonexistent");

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).code).toBe("INVALID_REQUEST");
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

describe("parseMemory", () => {
  test.each([
    ["200m", 200 * 2 ** 20],
    ["200M", 200 * 2 ** 20],
    ["200mb", 200 * 2 ** 20],
    ["200MiB", 200 * 2 ** 20],
    ["200 m", 200 * 2 ** 20],
    ["1g", 2 ** 30],
    ["0.5g", 2 ** 29],
    ["1.5k", 1536],
    ["64k", 65_536],
    ["100b", 100],
    ["1048576", 1_048_576],
    ["0.3b", 0],
    [1_048_576, 1_048_576],
  ])("%j is %d bytes", (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });
});

describe("checkLimits", () => {
  test("asks for nothing where nothing is asked", () => {
    expect(checkLimits({}, config)).toEqual({});
  });

  test("takes what lies within the maxima, the ends included", () => {
    expect(checkLimits({ memory: "32m", cpuCores: 0.05 }, config)).toEqual({
      memoryBytes: 32 * 2 ** 20,
      cpuCores: 0.05,
    });
    expect(checkLimits({ memory: "512m", cpuCores: 0.5 }, config)).toEqual({
      memoryBytes: 512 * 2 ** 20,
      cpuCores: 0.5,
    });
  });

  test.each(["31m", "513m", "100g", "0", "9".repeat(30), 1, 2 ** 53])(
    "refuses memory_limit %j and names the field, the range and the variable",
    (limit) => {
      const message = refusal(() => checkLimits({ memory: limit }, config));
      expect(message).toBe("memory_limit must be from 32m to 512m (MAX_MEMORY_MB)");
    },
  );

  test.each([0.04, 0.51, 1e308])("refuses cpu_limit %d", (limit) => {
    const message = refusal(() => checkLimits({ cpuCores: limit }, config));
    expect(message).toBe("cpu_limit must be from 0.05 to 0.5 cores (MAX_CPUS)");
  });
});

describe("checkTimeout", () => {
  test("is the maximum where none is asked", () => {
    expect(checkTimeout(undefined, config)).toBe(30_000);
  });

  test("is in milliseconds, and at least one", () => {
    expect(checkTimeout(2.5, config)).toBe(2500);
    expect(checkTimeout(30, config)).toBe(30_000);
    expect(checkTimeout(1e-9, config)).toBe(1);
  });

  test.each([30.001, 1e9, 1e308])("refuses %d seconds", (seconds) => {
    expect(refusal(() => checkTimeout(seconds, config))).toBe(
      "timeout must be at most 30 seconds (MAX_EXECUTION_TIME)",
    );
  });
});
