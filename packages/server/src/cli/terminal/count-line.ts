/** A line that tells how many of a number of things are done, where a person waits and looks. */

import { barOf, ChangingLine, type ProgressOutput } from "./changing-line.js";

const BAR_WIDTH = 24;

export class CountLine {
  readonly #line: ChangingLine;
  readonly #total: number;
  readonly #startedAt = performance.now();

  /** Nothing is ever drawn where `out` is no terminal. */
  constructor(out: ProgressOutput, total: number) {
    this.#line = new ChangingLine(out);
    this.#total = total;
  }

  show(done: number, failed: number): void {
    const rate = done / Math.max((performance.now() - this.#startedAt) / 1000, 0.001);
    const counts = `${done}/${this.#total}, ${failed} failed, ${rate.toFixed(1)}/s`;
    const text = () => `${barOf(done / this.#total, BAR_WIDTH)} ${counts}`;
    this.#line.draw(text, done === this.#total);
  }

  /** Takes the line away. */
  end(): void {
    this.#line.clear();
  }
}
