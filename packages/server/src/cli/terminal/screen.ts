/**
 * Where the cursor stands relative to where an execution began to print, so that its output can be
 * erased or replaced in place. Knows the few sequences that the escape filter lets pass.
 */

import { characterWidth } from "./width.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC.
const PIECES = /\u001b\[([\d;:]*)([A-Za-z])|[\s\S]/gu;

export class Screen {
  readonly #size: () => { readonly columns: number; readonly rows: number };
  #row = 0;
  #column = 0;

  constructor(size: () => { readonly columns: number; readonly rows: number }) {
    this.#size = size;
  }

  get row(): number {
    return this.#row;
  }

  get atLineStart(): boolean {
    return this.#column === 0;
  }

  /** Begin to count here; the cursor is at the start of a line. */
  begin(): void {
    this.#row = 0;
    this.#column = 0;
  }

  /** Take note of what is written to the terminal. */
  follow(text: string): void {
    const { columns } = this.#size();
    for (const [piece, parameters = "", final] of text.matchAll(PIECES)) {
      if (final === "A") this.#row = Math.max(0, this.#row - Number(parameters || "1"));
      else if (final === undefined) this.#step(piece, columns);
    }
  }

  /** The sequence that erases everything from this row on and leaves the cursor at its start. */
  eraseFrom(row: number): string {
    // What has left the screen at its top cannot be erased.
    const up = Math.min(this.#row - row, this.#size().rows - 1);
    // As it is written, the sequence itself is followed, which takes these lines off again.
    this.#row = row + Math.max(0, up);
    return `${up > 0 ? `\u001b[${up}A` : ""}\r\u001b[J`;
  }

  #step(character: string, columns: number): void {
    switch (character) {
      case "\n":
        this.#row += 1;
        this.#column = 0;
        return;
      case "\r":
        this.#column = 0;
        return;
      case "\b":
        this.#column = Math.max(0, this.#column - 1);
        return;
      case "\t":
        this.#column = Math.min(columns - 1, (Math.floor(this.#column / 8) + 1) * 8);
        return;
      default: {
        const width = characterWidth(character);
        if (this.#column + width > columns) {
          this.#row += 1;
          this.#column = 0;
        }
        this.#column += width;
      }
    }
  }
}
