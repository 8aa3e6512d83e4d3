/** Many sessions alive at once: what each costs, how long a cell takes in there, and how long the stop. */
import { setTimeout as sleep } from "node:timers/promises";
import type { GloveboxSystem } from "./glovebox-system.js";
import { memoryAvailableBytes } from "./process-memory.js";
import { expectText, type Figures } from "./scenarios.js";
import { summarize } from "./stats.js";

/** Clients at a time; the others think meanwhile. */
const AT_ONCE = 16;
const SETTLE_MS = 1_000;
const USE_PANDAS = `import pandas as pd
frame = pd.DataFrame({"a": range(101)})
print(int(frame["a"].sum()))`;
/** Long enough for its output to go by the warden. */
const PRINT_FOR_100_MS = `import time
print("begins")
time.sleep(0.1)
print(int(frame["a"].sum()))`;

/** Stops the system at the end, as that is measured as well. */
export async function measureMany(system: GloveboxSystem, count: number): Promise<Figures> {
  const availableBefore = memoryAvailableBytes();
  const startedAt = performance.now();
  await inTurns(count, async (number) => {
    expectText(await system.runIn(`many-${number}`, USE_PANDAS), "5050\n");
  });
  const openedSeconds = (performance.now() - startedAt) / 1000;
  await sleep(SETTLE_MS);
  const megabytes = (availableBefore - memoryAvailableBytes()) / count / 1e6;
  const latencies: number[] = [];
  await inTurns(count, async (number) => {
    const sentAt = performance.now();
    const text = await system.runIn(`many-${number}`, PRINT_FOR_100_MS);
    latencies.push(performance.now() - sentAt);
    expectText(text, "begins\n5050\n");
  });
  const stopsAt = performance.now();
  await system.stop();
  return {
    ...summarize(latencies),
    sessions: count,
    opened_seconds: openedSeconds,
    mb_per_session: megabytes,
    stop_seconds: (performance.now() - stopsAt) / 1000,
  };
}

async function inTurns(count: number, run: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    for (let number = next++; number < count; number = next++) await run(number);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
