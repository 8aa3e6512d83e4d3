/** The lines typed in earlier `glovebox repl`s. What one types may be secret: for the user's eyes only. */

import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const LINES_MAX = 1000;

export class ReplHistory {
  readonly #path: string | undefined;
  #last = "";

  /** Without a folder nothing is kept. */
  constructor(stateHome: string | undefined) {
    this.#path = stateHome && join(stateHome, "glovebox", "repl-history");
  }

  /** The newest first. A history that cannot be read is empty. */
  load(): string[] {
    if (this.#path === undefined) return [];
    let lines: string[];
    try {
      lines = readFileSync(this.#path, "utf8").split("\n").filter(Boolean);
      chmodSync(this.#path, 0o600);
      if (lines.length > 2 * LINES_MAX) {
        lines = lines.slice(-LINES_MAX);
        writeFileSync(this.#path, `${lines.join("\n")}\n`, { mode: 0o600 });
      }
    } catch {
      return [];
    }
    return lines.slice(-LINES_MAX).reverse();
  }

  /** Keeps a line. A prompt works as well where nothing can be written, so that is no failure. */
  add(line: string): void {
    if (this.#path === undefined || line.trim() === "" || line === this.#last) return;
    this.#last = line;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    } catch {
      // A read-only home.
    }
  }
}
