/**
 * Answers what code asks from standard input, which is read only once something is asked: line by line where a
 * person types it, piece by piece where a program has it from a pipe or a file.
 */

import type { InputPiece, InputRequest } from "@glovebox/sdk";
import { LineReader } from "../terminal/line-reader.js";
import type { Printer } from "../terminal/printer.js";
import { askUser, showPrompt, type Terminal } from "./terminal.js";

/** As the server takes it. */
const PIECE_BYTES_MAX = 65_536;

export interface StandardInputOptions {
  readonly terminal: Terminal;
  readonly printer: Printer;
  readonly onInterrupt: () => void;
  /** Several programs read from it in turn, so that none may take more than the lines it asks for. */
  readonly isShared: boolean;
}

export class StandardInput {
  readonly #options: StandardInputOptions;
  #reader: LineReader | undefined;
  #pieces: AsyncIterator<Buffer> | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: StandardInputOptions) {
    this.#options = options;
  }

  /** Undefined when the question was taken back. */
  readonly answer = (question: InputRequest): Promise<string | InputPiece | undefined> =>
    process.stdin.isTTY || this.#options.isShared ? this.#line(question) : this.#piece(question);

  async #line(question: InputRequest): Promise<string | InputPiece | undefined> {
    const { terminal, printer, onInterrupt } = this.#options;
    this.#reader ??= new LineReader({
      input: process.stdin,
      output: process.stdout.isTTY ? process.stdout : process.stderr,
      onInterrupt,
    });
    const line = await askUser(question, this.#reader, terminal, printer);
    return line === undefined && this.#reader.ended ? { eof: true } : line;
  }

  async #piece({ prompt }: InputRequest): Promise<InputPiece> {
    showPrompt(prompt, this.#options.terminal);
    if (this.#rest.length === 0) {
      this.#pieces ??= process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const next = await this.#pieces.next();
      if (next.done) return { eof: true };
      this.#rest = next.value;
    }
    const data = this.#rest.subarray(0, PIECE_BYTES_MAX);
    this.#rest = this.#rest.subarray(data.length);
    return { data };
  }

  /** A pipe that nobody closes must not keep the command. */
  close(): void {
    this.#reader?.close();
    if (this.#pieces) process.stdin.destroy();
  }
}
