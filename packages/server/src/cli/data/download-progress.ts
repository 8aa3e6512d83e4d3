/** How far downloads are: one line that changes on a terminal, a line now and then elsewhere. */

import { formatBytes } from "../terminal/amounts.js";
import type { ProgressOutput } from "../terminal/progress-bar.js";
import { plainText } from "./failure.js";

const TERMINAL_EVERY_MS = 100;
const PLAIN_EVERY_MS = 10_000;
const BAR_WIDTH = 24;

export class DownloadProgress {
  readonly #output: ProgressOutput;
  #name = "";
  #startedAt = 0;
  #startSize: number | undefined;
  #shownAt = 0;
  #lineIsOpen = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  begin(name: string, size: number | undefined): void {
    this.#name = plainText(name);
    this.#startedAt = this.#shownAt = performance.now();
    this.#startSize = undefined;
    if (!this.#output.isTTY)
      this.say(`${this.#name}${size === undefined ? "" : `, ${formatBytes(size)}`}`);
  }

  at(size: number, total: number | undefined): void {
    const now = performance.now();
    this.#startSize ??= size;
    const everyMs = this.#output.isTTY ? TERMINAL_EVERY_MS : PLAIN_EVERY_MS;
    if (now - this.#shownAt < everyMs) return;
    this.#shownAt = now;
    const seconds = (now - this.#startedAt) / 1000;
    const rate = `${formatBytes((size - this.#startSize) / seconds)}/s`;
    const share = total ? Math.min(1, size / total) : undefined;
    const percent = share === undefined ? "" : `${Math.floor(share * 100)} %, `;
    if (!this.#output.isTTY) {
      this.say(`${this.#name}: ${percent}${formatBytes(size)}, ${rate}`);
      return;
    }
    const filled = Math.round((share ?? 0) * BAR_WIDTH);
    const bar = share === undefined ? "" : `[${"#".repeat(filled).padEnd(BAR_WIDTH, ".")}] `;
    const line = `${bar}${percent}${formatBytes(size)}, ${rate}  ${this.#name}`;
    this.#output.write(`\r\u001b[K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#lineIsOpen = true;
  }

  done(size: number): void {
    this.say(`${this.#name}: done, ${formatBytes(size)}`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#output.write(`${this.#lineIsOpen ? "\r\u001b[K" : ""}${plainText(line)}\n`);
    this.#lineIsOpen = false;
  }
}
