/** Reads one cell at the prompt: line by line, until Python says that it is whole. */

import { GloveboxError, type Session } from "@glovebox/sdk";
import { printable } from "../terminal/escape-filter.js";
import type { Completion, LineReader } from "../terminal/line-reader.js";

export type ReadCell =
  | { readonly kind: "code"; readonly code: string }
  /** Ctrl-C at the prompt. */
  | { readonly kind: "taken back" }
  | { readonly kind: "end" };

export class CellReader {
  readonly #session: Session;
  readonly #colour: boolean;
  /** The lines of the cell that are typed already. */
  #lines: string[] = [];

  constructor(session: Session, colour: boolean) {
    this.#session = session;
    this.#colour = colour;
  }

  async read(reader: LineReader, number: number): Promise<ReadCell> {
    const first = `In [${number}]: `;
    const more = `${"...: ".padStart(first.length)}`;
    this.#lines = [];
    let prefill = "";
    for (;;) {
      const prompt = this.#lines.length === 0 ? first : more;
      const line = await reader.ask({ prompt: this.#decorate(prompt), code: true, prefill });
      if (line === undefined && !reader.ended) return { kind: "taken back" };
      if (line === undefined) return this.#rest();
      this.#lines.push(line);
      const cell = this.#lines.join("\n");
      if (cell.trim() === "") return { kind: "code", code: "" };
      // Our own commands are one line.
      if (this.#lines.length === 1 && line.startsWith(":")) return { kind: "code", code: line };
      const { whole, indent } = await this.#judge(cell, line);
      if (whole) return { kind: "code", code: cell };
      prefill = indent;
    }
  }

  /** What could stand at the end of this line of the cell. */
  async complete(line: string): Promise<Completion> {
    const before = this.#lines.map((one) => `${one}\n`).join("");
    const answer = await this.#session.complete(before + line);
    // Positions count code points, and from the beginning of the cell.
    const start = answer.cursor_start - Array.from(before).length;
    const completed = Array.from(line).slice(Math.max(0, start)).join("");
    return [answer.matches.filter(isPlain), completed];
  }

  /** A pipe may end without the end of a cell: then what there is is run. */
  #rest(): ReadCell {
    const code = this.#lines.join("\n");
    this.#lines = [];
    return code.trim() === "" ? { kind: "end" } : { kind: "code", code };
  }

  async #judge(cell: string, line: string): Promise<{ whole: boolean; indent: string }> {
    try {
      const { status, indent } = await this.#session.isComplete(cell);
      // Two empty lines end whatever it is, so that a bracket without an end does not hold the user.
      const given = line.trim() === "" && this.#lines.at(-2)?.trim() === "";
      return { whole: status !== "incomplete" || given, indent: isIndent(indent) ? indent : "" };
    } catch (error) {
      // Busy, or gone: the run itself then says so.
      if (GloveboxError.isInstance(error)) return { whole: true, indent: "" };
      throw error;
    }
  }

  #decorate(prompt: string): string {
    return this.#colour ? `\u001b[32m${prompt}\u001b[0m` : prompt;
  }
}

/**
 * Answers come out of the sandbox, and what is filled in counts as typed: with a newline in it, code
 * could give commands to the prompt.
 */
export function isIndent(text: string): boolean {
  return /^ {0,200}$/.test(text);
}

/** The prompt shows completions to the terminal as they are. */
export function isPlain(text: string): boolean {
  return text === printable(text);
}
