/** A line that tells how far a transfer is, where a person waits and looks. */

import { formatBytes } from "./amounts.js";
import { cutToWidth, textWidth } from "./width.js";

/** What is over sooner needs no bar. */
const SHOWN_AFTER_MS = 400;
const REDRAWN_AFTER_MS = 100;

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export class ProgressBar {
  readonly #out: ProgressOutput;
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #now: () => number;
  readonly #startedAt: number;
  #done = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** Nothing is ever drawn where `out` is no terminal. The label must be safe to show. */
  constructor(
    out: ProgressOutput,
    label: string,
    total: number | undefined,
    now: () => number = Date.now,
  ) {
    this.#out = out;
    this.#label = label;
    this.#total = total;
    this.#now = now;
    this.#startedAt = now();
  }

  add(bytes: number): void {
    this.#done += bytes;
    const now = this.#now();
    if (this.#out.isTTY !== true || now - this.#startedAt < SHOWN_AFTER_MS) return;
    if (now - this.#drawnAt < REDRAWN_AFTER_MS) return;
    this.#drawnAt = now;
    const columns = this.#out.columns ?? 80;
    this.#out.write(`\r${this.#line((now - this.#startedAt) / 1000, columns - 1)}\u001b[K`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== Number.NEGATIVE_INFINITY) this.#out.write("\r\u001b[K");
  }

  #line(seconds: number, columns: number): string {
    const speed = `${formatBytes(this.#done / Math.max(seconds, 0.001))}/s`;
    const amount =
      this.#total === undefined
        ? formatBytes(this.#done)
        : `${formatBytes(this.#done)} of ${formatBytes(this.#total)}`;
    const text = `${this.#label}  ${amount}  ${speed}`;
    if (this.#total === undefined) return cutToWidth(text, columns);
    const part = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const percent = `${Math.floor(part * 100)
      .toString()
      .padStart(3)} %`;
    const room = Math.min(30, columns - textWidth(text) - percent.length - 5);
    if (room < 5) return cutToWidth(`${percent}  ${text}`, columns);
    const filled = Math.round(part * room);
    return `${percent} [${"#".repeat(filled)}${".".repeat(room - filled)}]  ${text}`;
  }
}
