import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watchdog, type WatchdogOptions } from "./watchdog.js";

let now = 0;
let dog: Watchdog | undefined;
const silences: number[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  silences.length = now = 0;
});
afterEach(() => {
  dog?.stop();
  vi.useRealTimers();
});

function watch(options: Partial<WatchdogOptions> = {}): Watchdog {
  dog = new Watchdog({
    ...{ silenceMsMax: 10_000, now: () => now, onSilent: (ms) => silences.push(ms) },
    ...options,
  });
  return dog;
}

/** Time passes, and the supervisor runs. */
function run(ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    now += 100;
    vi.advanceTimersByTime(100);
  }
}

/** Time passes in which nothing runs, as on a machine that is suspended. */
function sleep(ms: number): void {
  now += ms;
}

test("whoever is heard of in time is left alone", () => {
  const watchdog = watch();
  for (let second = 0; second < 60; second++) {
    watchdog.heard();
    run(second % 9 === 0 ? 9400 : 1000);
  }
  expect(silences).toEqual([]);
});

test("whoever falls silent is told so, once", () => {
  const watchdog = watch();
  watchdog.heard();
  run(9900);
  expect(silences).toEqual([]);
  run(60_000);
  expect(silences).toHaveLength(1);
  expect(silences[0]).toBeGreaterThan(10_000);
  expect(silences[0]).toBeLessThan(11_000);
});

test("before it is first heard it may take its time, or all of it", () => {
  watch({ startMsMax: 60_000 });
  run(59_000);
  expect(silences).toEqual([]);
  run(2000);
  expect(silences).toHaveLength(1);
  watch();
  run(600_000);
  expect(silences).toHaveLength(1);
});

test("a supervisor that slept itself has heard nothing for that reason, and waits anew", () => {
  const watchdog = watch();
  watchdog.heard();
  run(5000);
  sleep(3_600_000);
  run(9000);
  expect(silences).toEqual([]);
  run(2000);
  expect(silences).toHaveLength(1);
});

test("one that is stopped is watched no more", () => {
  const watchdog = watch();
  watchdog.heard();
  watchdog.stop();
  run(60_000);
  expect(silences).toEqual([]);
});

test("signs that are looked for count as being heard of", () => {
  let sign = true;
  watch({ look: () => sign });
  run(60_000);
  expect(silences).toEqual([]);
  sign = false;
  run(11_000);
  expect(silences).toHaveLength(1);
});
