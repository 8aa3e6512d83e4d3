/**
 * Reads a sandbox's control group files. They are in memory, and reading one takes a few
 * microseconds, so it is done synchronously around each execution on descriptors that stay open; asking
 * the keeper would take hundreds. The memory peak is the one file that the gateway may also write.
 */

import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { type KernelEvents, NO_EVENTS } from "../sandbox.js";

export interface AccountingPaths {
  readonly cpu: string;
  readonly memory_peak: string;
  readonly memory_events: string;
  readonly processes_events: string;
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
  readonly #processesEvents: number;
  /** The last values, once the files are closed. */
  #final: { cpuSeconds: number; memoryPeakBytes: number; events: KernelEvents } | undefined;

  constructor(paths: AccountingPaths) {
    this.#paths = paths;
    const opened: number[] = [];
    const keep = (descriptor: number): number => {
      opened.push(descriptor);
      return descriptor;
    };
    try {
      this.#cpu = keep(openSync(paths.cpu, "r"));
      this.#memoryPeak = keep(openToReset(paths.memory_peak));
      this.#memoryEvents = keep(openSync(paths.memory_events, "r"));
      this.#processesEvents = keep(openSync(paths.processes_events, "r"));
    } catch (error) {
      // The sandbox is gone already; its group is removed file by file.
      for (const descriptor of opened) closeSync(descriptor);
      throw error;
    }
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

  /** Since the sandbox began. */
  events(): KernelEvents {
    if (this.#final) return this.#final.events;
    return {
      oomKills: Number(/^oom_kill (\d+)/m.exec(read(this.#memoryEvents))?.[1] ?? 0),
      processesRefused: Number(/^max (\d+)/m.exec(read(this.#processesEvents))?.[1] ?? 0),
    };
  }

  /** Keep the last values and close. Idempotent. */
  close(): void {
    if (this.#final) return;
    const last = <T>(value: () => T, otherwise: T): T => {
      try {
        return value();
      } catch {
        return otherwise; // The group is gone already.
      }
    };
    this.#final = {
      cpuSeconds: last(() => this.cpuSeconds(), 0),
      memoryPeakBytes: last(() => this.memoryPeakBytes(), 0),
      events: last(() => this.events(), NO_EVENTS),
    };
    const files = [this.#cpu, this.#memoryPeak, this.#memoryEvents, this.#processesEvents];
    for (const descriptor of files) closeSync(descriptor);
  }
}
