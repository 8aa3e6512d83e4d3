/** How late this process's event loop has been lately: whatever holds it up holds up every request. */

import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How often it is looked; also what a loop that is never late is measured with, and is taken off. */
const RESOLUTION_MS = 20;
/** What is told is of the last one to two of these. */
const WINDOW_MS = 10_000;

export interface LoopDelayMs {
  readonly p99: number;
  readonly max: number;
}

export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #before: LoopDelayMs = { p99: 0, max: 0 };

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#before = this.#now();
      this.#histogram.reset();
    }, WINDOW_MS).unref();
  }

  /** Of the last ten to twenty seconds. */
  read(): LoopDelayMs {
    const now = this.#now();
    return {
      p99: Math.max(now.p99, this.#before.p99),
      max: Math.max(now.max, this.#before.max),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #now(): LoopDelayMs {
    const { count, max } = this.#histogram;
    if (count === 0) return { p99: 0, max: 0 };
    return { p99: delayMs(this.#histogram.percentile(99)), max: delayMs(max) };
  }
}

/** Tenths of a millisecond are as fine as the clock's ticks are worth. */
function delayMs(intervalNs: number): number {
  return Math.max(0, Math.round(intervalNs / 1e5 - RESOLUTION_MS * 10) / 10);
}
