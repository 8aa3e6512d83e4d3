/**
 * Reads a sandbox's control group files. They are in memory, and reading one takes a few
 * microseconds, so it is done synchronously around each execution on descriptors that stay open.
 */

import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

export interface AccountingPaths {
  readonly cpu: string;
  readonly memory_peak: string;
  readonly memory_events: string;
  readonly memory_current: string;
  readonly processes_current: string;
}

const buffer = Buffer.allocUnsafe(4096);

function read(descriptor: number): string {
  return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, 0));
}

/** Version 2 has a peak that can be reset since Linux 6.12. Before, it is that of the whole session. */
function openToReset(path: string): number {
  try {
    return openSync(path, "r+");
  } catch {
    return openSync(path, "r");
  }
}

export class Accounting {
  readonly #paths: AccountingPaths;
  readonly #cpu: number;
  readonly #memoryPeak: number;
  readonly #memoryEvents: number;
  /** The last values, once the files are closed. */
  #final: { cpuSeconds: number; memoryPeakBytes: number; oomKills: number } | undefined;

  constructor(paths: AccountingPaths) {
    this.#paths = paths;
    this.#cpu = openSync(paths.cpu, "r");
    this.#memoryPeak = openToReset(paths.memory_peak);
    this.#memoryEvents = openSync(paths.memory_events, "r");
  }

  /** CPU seconds since the sandbox began. Version 1 counts nanoseconds, version 2 `usage_usec`. */
  cpuSeconds(): number {
    if (this.#final) return this.#final.cpuSeconds;
    const text = read(this.#cpu);
    const microseconds = /^usage_usec (\d+)/m.exec(text);
    return microseconds ? Number(microseconds[1]) / 1e6 : Number(text) / 1e9;
  }

  /** Highest memory use since resetMemoryPeak, or since the start where the kernel cannot reset it. */
  memoryPeakBytes(): number {
    return this.#final?.memoryPeakBytes ?? Number(read(this.#memoryPeak));
  }

  /** Read by path: seldom asked for, so two more descriptors for each sandbox are not worth it. */
  current(): { memoryBytes: number; processes: number } {
    const last = (path: string) => (this.#final ? 0 : Number(readFileSync(path, "latin1")));
    return {
      memoryBytes: last(this.#paths.memory_current),
      processes: last(this.#paths.processes_current),
    };
  }

  resetMemoryPeak(): void {
    if (this.#final) return;
    try {
      writeSync(this.#memoryPeak, "0");
    } catch {
      // See openToReset.
    }
  }

  oomKills(): number {
    if (this.#final) return this.#final.oomKills;
    return Number(/^oom_kill (\d+)/m.exec(read(this.#memoryEvents))?.[1] ?? 0);
  }

  /** Keep the last values and close. Idempotent. */
  close(): void {
    if (this.#final) return;
    const last = (value: () => number) => {
      try {
        return value();
      } catch {
        return 0; // The group is gone already.
      }
    };
    this.#final = {
      cpuSeconds: last(() => this.cpuSeconds()),
      memoryPeakBytes: last(() => this.memoryPeakBytes()),
      oomKills: last(() => this.oomKills()),
    };
    for (const descriptor of [this.#cpu, this.#memoryPeak, this.#memoryEvents]) {
      closeSync(descriptor);
    }
  }
}
