/** What the executions of a sandbox use and meet, by the accounting of its control groups. */

import { type KernelEvents, type Measurement, NO_EVENTS, type SandboxUsage } from "../sandbox.js";
import { Accounting, type AccountingPaths } from "./accounting.js";

/** Executions that follow each other within this are back to back. */
const IDLE_MS = 20;

export class Meter {
  readonly #accounting: Accounting;
  #eventsSeen: KernelEvents = NO_EVENTS;
  /** When the last execution ended. */
  #idleSince = Number.POSITIVE_INFINITY;

  constructor(paths: AccountingPaths) {
    this.#accounting = new Accounting(paths);
  }

  begin(): number {
    // Events between two executions belong to neither. Back to back the check is skipped: it costs a
    // hundredth of a short run.
    if (performance.now() - this.#idleSince > IDLE_MS) this.newEvents();
    this.#accounting.resetMemoryPeak();
    return this.#accounting.cpuSeconds();
  }

  end(cpuSecondsBefore: number): Measurement {
    this.#idleSince = performance.now();
    return {
      cpuSeconds: Math.max(0, this.#accounting.cpuSeconds() - cpuSecondsBefore),
      memoryPeakBytes: this.#accounting.memoryPeakBytes(),
    };
  }

  usage(): SandboxUsage {
    return {
      cpuSeconds: this.#accounting.cpuSeconds(),
      memoryPeakBytes: this.#accounting.memoryPeakBytes(),
      ...this.#accounting.current(),
    };
  }

  cpuSeconds(): number {
    return this.#accounting.cpuSeconds();
  }

  /** Since this was last asked. */
  newEvents(): KernelEvents {
    const seen = this.#eventsSeen;
    const now = this.#accounting.events();
    this.#eventsSeen = now;
    return {
      oomKills: Math.max(0, now.oomKills - seen.oomKills),
      processesRefused: Math.max(0, now.processesRefused - seen.processesRefused),
    };
  }

  /** Whether memory has run out since newEvents was last asked, by a count from the beginning. */
  isNewOomKill(oomKills: number): boolean {
    return oomKills > this.#eventsSeen.oomKills;
  }

  /** Something has happened that is not the next execution's, however soon that comes. */
  leaveOutWhatHappened(): void {
    this.#idleSince = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.#accounting.close();
  }
}
