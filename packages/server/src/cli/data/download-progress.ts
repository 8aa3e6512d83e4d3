/** How far downloads are: one line that changes on a terminal, a line now and then elsewhere. */

import { formatBytes } from "../terminal/amounts.js";
import { barOf, ChangingLine, type ProgressOutput } from "../terminal/changing-line.js";
import { plainText } from "./failure.js";

const PLAIN_EVERY_MS = 10_000;
const BAR_WIDTH = 24;

export class DownloadProgress {
  readonly #output: ProgressOutput;
  readonly #line: ChangingLine;
  #name = "";
  #startedAt = 0;
  #startSize: number | undefined;
  #saidAt = 0;

  constructor(output: ProgressOutput) {
    this.#output = output;
    this.#line = new ChangingLine(output);
  }

  begin(name: string, size: number | undefined): void {
    this.#name = plainText(name);
    this.#startedAt = this.#saidAt = performance.now();
    this.#startSize = undefined;
    if (!this.#output.isTTY)
      this.say(`${this.#name}${size === undefined ? "" : `, ${formatBytes(size)}`}`);
  }

  at(size: number, total: number | undefined): void {
    const now = performance.now();
    this.#startSize ??= size;
    const seconds = Math.max((now - this.#startedAt) / 1000, 0.001);
    const rate = `${formatBytes((size - this.#startSize) / seconds)}/s`;
    const share = total ? Math.min(1, size / total) : undefined;
    const percent = share === undefined ? "" : `${Math.floor(share * 100)} %, `;
    const amount = `${percent}${formatBytes(size)}, ${rate}`;
    if (this.#output.isTTY) {
      const bar = share === undefined ? "" : `${barOf(share, BAR_WIDTH)} `;
      this.#line.draw(() => `${bar}${amount}  ${this.#name}`);
    } else if (now - this.#saidAt >= PLAIN_EVERY_MS) {
      this.#saidAt = now;
      this.say(`${this.#name}: ${amount}`);
    }
  }

  done(size: number): void {
    this.say(`${this.#name}: done, ${formatBytes(size)}`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#line.clear();
    this.#output.write(`${plainText(line)}\n`);
  }
}
