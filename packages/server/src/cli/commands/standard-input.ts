/** Answers the questions of code from standard input, which is read only once something is asked. */

import type { InputRequest } from "@glovebox/sdk";
import { LineReader } from "../terminal/line-reader.js";
import type { Printer } from "../terminal/printer.js";
import { CommandError } from "./command.js";
import { askUser, type Terminal } from "./terminal.js";

export class StandardInput {
  readonly #terminal: Terminal;
  readonly #printer: Printer;
  readonly #onInterrupt: () => void;
  #reader: LineReader | undefined;

  constructor(terminal: Terminal, printer: Printer, onInterrupt: () => void) {
    this.#terminal = terminal;
    this.#printer = printer;
    this.#onInterrupt = onInterrupt;
  }

  /** @throws CommandError when there is nothing left to answer with */
  readonly answer = async (question: InputRequest): Promise<string | undefined> => {
    this.#reader ??= new LineReader({
      input: process.stdin,
      output: process.stdout.isTTY ? process.stdout : process.stderr,
      onInterrupt: this.#onInterrupt,
    });
    const line = await askUser(question, this.#reader, this.#terminal, this.#printer);
    if (line !== undefined || !this.#reader.ended) return line;
    throw new CommandError("the program asks for input, and standard input has ended");
  };

  close(): void {
    this.#reader?.close();
  }
}
