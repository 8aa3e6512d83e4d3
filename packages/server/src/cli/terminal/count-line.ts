/** A line that tells how many of a number of things are done, where a person waits and looks. */

import type { ProgressOutput } from "./progress-bar.js";
import { cutToWidth } from "./width.js";

const REDRAWN_AFTER_MS = 100;
const BAR_WIDTH = 24;

export class CountLine {
  readonly #out: ProgressOutput;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** Nothing is ever drawn where `out` is no terminal. */
  constructor(out: ProgressOutput, total: number) {
    this.#out = out;
    this.#total = total;
  }

  show(done: number, failed: number): void {
    const now = performance.now();
    if (this.#out.isTTY !== true) return;
    if (done < this.#total && now - this.#drawnAt < REDRAWN_AFTER_MS) return;
    this.#drawnAt = now;
    const filled = Math.floor((done / this.#total) * BAR_WIDTH);
    const rate = done / Math.max((now - this.#startedAt) / 1000, 0.001);
    const bar = "#".repeat(filled).padEnd(BAR_WIDTH, ".");
    const told = `[${bar}] ${done}/${this.#total}, ${failed} failed, ${rate.toFixed(1)}/s`;
    this.#out.write(`\r${cutToWidth(told, (this.#out.columns ?? 80) - 1)}\u001b[K`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== Number.NEGATIVE_INFINITY) this.#out.write("\r\u001b[K");
  }
}
