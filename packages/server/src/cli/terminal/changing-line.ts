/** One line that is drawn anew as work goes on, where a person waits and looks. */

import { cutToWidth } from "./width.js";

const REDRAWN_AFTER_MS = 100;
const CLEAR_REST = "\u001b[K";

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export class ChangingLine {
  readonly #out: ProgressOutput;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** Nothing is ever drawn where `out` is no terminal. `now` in milliseconds. */
  constructor(out: ProgressOutput, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#now = now;
  }

  /** Draws what `text` makes for so many columns, which must be safe to show; not too often, but for the last one. */
  draw(text: (columns: number) => string, isLast = false): void {
    const now = this.#now();
    if (this.#out.isTTY !== true) return;
    if (!isLast && now - this.#drawnAt < REDRAWN_AFTER_MS) return;
    this.#drawnAt = now;
    const columns = (this.#out.columns ?? 80) - 1;
    this.#out.write(`\r${cutToWidth(text(columns), columns)}${CLEAR_REST}`);
  }

  /** Takes the line away, where there is one. */
  clear(): void {
    if (this.#drawnAt === Number.NEGATIVE_INFINITY) return;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    this.#out.write(`\r${CLEAR_REST}`);
  }
}

/** `share` from 0 to 1, of a bar that is full only at the end. */
export function barOf(share: number, width: number): string {
  return `[${"#".repeat(Math.floor(share * width)).padEnd(width, ".")}]`;
}
