import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { LoopDelay } from "./loop-delay.js";

test("what holds the loop up is told, and for how long", async () => {
  const delay = new LoopDelay();
  try {
    expect(delay.read()).toEqual({ p99: 0, max: 0 });
    await pause(100);
    const end = performance.now() + 300;
    while (performance.now() < end);
    await pause(50);
    const { p99, max } = delay.read();
    expect(max).toBeGreaterThan(250);
    expect(p99).toBeLessThanOrEqual(max);
  } finally {
    delay.stop();
  }
});
