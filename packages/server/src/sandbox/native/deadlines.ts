/**
 * Tells the keeper when running code must have ended, for the case that this process cannot see to it: eight
 * bytes in a file that both have open, without a message. See the guest's keeper/deadlines.py.
 */

import { openSync, writeSync } from "node:fs";

/** The timers of this process come first: an interrupt, a second's grace, and what a loaded machine needs. */
const LATER_MS = 2000;
const ENTRY_BYTES = 8;
const NONE = Buffer.alloc(ENTRY_BYTES);

export class Deadlines {
  readonly #path: string;
  readonly #entry = Buffer.alloc(ENTRY_BYTES);
  #descriptor: number | undefined;

  /** The keeper makes the file before it makes a sandbox. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What begins now in the sandbox of this slot has so long. */
  begin(slot: number, timeoutMs: number): void {
    this.#entry.writeDoubleLE(monotonicMs() + timeoutMs + LATER_MS);
    this.#write(slot, this.#entry);
  }

  /** It is over. */
  end(slot: number): void {
    this.#write(slot, NONE);
  }

  #write(slot: number, entry: Buffer): void {
    this.#descriptor ??= openSync(this.#path, "r+");
    writeSync(this.#descriptor, entry, 0, ENTRY_BYTES, slot * ENTRY_BYTES);
  }
}

/** CLOCK_MONOTONIC, which keeper and gateway share. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
