/** A line that tells how far a transfer is, where a person waits and looks. */

import { formatBytes } from "./amounts.js";
import { barOf, ChangingLine, type ProgressOutput } from "./changing-line.js";
import { textWidth } from "./width.js";

/** What is over sooner needs no bar. */
const SHOWN_AFTER_MS = 400;

export class ProgressBar {
  readonly #line: ChangingLine;
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #now: () => number;
  readonly #startedAt: number;
  #done = 0;

  /** Nothing is ever drawn where `out` is no terminal. The label must be safe to show. */
  constructor(
    out: ProgressOutput,
    label: string,
    total: number | undefined,
    now: () => number = Date.now,
  ) {
    this.#line = new ChangingLine(out, now);
    this.#label = label;
    this.#total = total;
    this.#now = now;
    this.#startedAt = now();
  }

  add(bytes: number): void {
    this.#done += bytes;
    const passedMs = this.#now() - this.#startedAt;
    if (passedMs < SHOWN_AFTER_MS) return;
    this.#line.draw((columns) => this.#text(passedMs / 1000, columns));
  }

  /** Takes the line away. */
  end(): void {
    this.#line.clear();
  }

  #text(seconds: number, columns: number): string {
    const speed = `${formatBytes(this.#done / Math.max(seconds, 0.001))}/s`;
    const amount =
      this.#total === undefined
        ? formatBytes(this.#done)
        : `${formatBytes(this.#done)} of ${formatBytes(this.#total)}`;
    const text = `${this.#label}  ${amount}  ${speed}`;
    if (this.#total === undefined) return text;
    const part = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const percent = `${Math.floor(part * 100)
      .toString()
      .padStart(3)} %`;
    const room = Math.min(30, columns - textWidth(text) - percent.length - 5);
    return room < 5 ? `${percent}  ${text}` : `${percent} ${barOf(part, room)}  ${text}`;
  }
}
