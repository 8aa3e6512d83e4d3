/**
 * Reads lines: of a person at a terminal, with editing, history, completion and colours, or of a
 * pipe. One reader serves a whole command, as standard input is read ahead.
 *
 * Between questions, what is typed is kept and not shown, so that it does not mix with output.
 */

import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";

export type Completion = readonly [matches: string[], completed: string];

export interface LineReaderOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Ctrl-C, whether somebody asks or not. */
  readonly onInterrupt: () => void;
  readonly complete?: (line: string) => Promise<Completion>;
  readonly highlight?: (line: string) => string;
  /** The newest first. */
  readonly history?: readonly string[];
  /** Each line that becomes part of the history. */
  readonly onRemember?: (line: string) => void;
}

export interface Question {
  /** Shown before the line where there is a terminal; without controls but colours. */
  readonly prompt: string;
  /** What is typed is not shown. */
  readonly secret?: boolean;
  /** Whether the line becomes part of the history, and is code: completed and coloured. */
  readonly code?: boolean;
  /** Typed already. */
  readonly prefill?: string;
}

const HISTORY_LENGTH = 1000;

export class LineReader {
  readonly isTerminal: boolean;
  readonly #options: LineReaderOptions;
  readonly #screen: MutedOutput;
  readonly #interface: Interface;
  readonly #typedAhead: string[] = [];
  #question: Question | undefined;
  #answer: ((line: string | undefined) => void) | undefined;
  #rememberNext = false;
  #ended = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.isTerminal = options.input.isTTY === true && options.output.isTTY === true;
    this.#screen = new MutedOutput(options.output);
    this.#interface = createInterface({
      input: options.input,
      ...(this.isTerminal && { output: this.#screen }),
      terminal: this.isTerminal,
      history: [...(options.history ?? [])],
      historySize: HISTORY_LENGTH,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        void this.#complete(line).then(([matches, completed]) => done(null, [matches, completed]));
      },
    });
    this.#interface.on("line", (line) => this.#take(line));
    this.#interface.on("close", () => this.#end());
    this.#interface.on("SIGINT", () => options.onInterrupt());
    // Ctrl-Z and back: the terminal is redrawn when it comes back.
    this.#interface.on("SIGCONT", () => this.#question && this.#interface.prompt(true));
    this.#interface.on("history", (history) => this.#filterHistory(history));
    if (this.isTerminal) options.input.on("keypress", this.#repaint);
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#ended && this.#typedAhead.length === 0;
  }

  /** The next line; undefined at the end of input, or when the question was taken back. */
  ask(question: Question): Promise<string | undefined> {
    this.#question = question;
    this.#rememberNext = question.code === true;
    const typed = this.#typedAhead.shift();
    if (typed !== undefined) {
      this.#question = undefined;
      this.#echo(question, typed);
      return Promise.resolve(typed);
    }
    if (this.#ended) return Promise.resolve(undefined);
    const answered = new Promise<string | undefined>((resolve) => {
      this.#answer = resolve;
    });
    this.#show(question);
    return answered;
  }

  /** The answer is no longer waited for: the open question ends with undefined. */
  takeBack(): void {
    if (this.#question === undefined) return;
    this.#clearLine();
    this.#screen.muted = false;
    if (this.isTerminal) this.#screen.write("\n");
    this.#settle(undefined);
  }

  /** Forget what was typed in this line, as a shell does on Ctrl-C. */
  #clearLine(): void {
    if (!this.isTerminal) return;
    this.#screen.muted = true;
    this.#interface.write(null, { ctrl: true, name: "e" });
    this.#interface.write(null, { ctrl: true, name: "u" });
  }

  close(): void {
    this.#options.input.off("keypress", this.#repaint);
    this.#interface.close();
  }

  #show(question: Question): void {
    if (!this.isTerminal) return;
    this.#screen.muted = false;
    this.#interface.setPrompt(question.prompt);
    this.#interface.prompt(true);
    if (question.prefill !== undefined && this.#interface.line === "") {
      this.#interface.write(question.prefill);
    }
    if (question.secret === true) this.#screen.muted = true;
    this.#repaint();
  }

  /** A line that came before it was asked for looks as if it had been typed now. */
  #echo({ prompt, secret, code }: Question, line: string): void {
    if (!this.isTerminal) return;
    this.#screen.muted = false;
    this.#screen.write(`${prompt}${secret ? "" : this.#coloured(line, code)}\n`);
    this.#screen.muted = true;
  }

  #take(line: string): void {
    if (this.#answer === undefined) {
      this.#typedAhead.push(line);
      return;
    }
    if (this.#question?.secret && this.isTerminal) {
      this.#screen.muted = false;
      this.#screen.write("\n");
    }
    this.#settle(line);
  }

  #settle(line: string | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    this.#question = undefined;
    this.#screen.muted = true;
    answer?.(line);
  }

  #end(): void {
    this.#ended = true;
    this.#screen.muted = false;
    if (this.#question !== undefined && this.isTerminal) this.#screen.write("\n");
    this.#settle(undefined);
  }

  #filterHistory(history: string[]): void {
    const [line] = history;
    if (line === undefined) return;
    // Answers to input() are data, and may be secret.
    if (!this.#rememberNext) history.shift();
    else this.#options.onRemember?.(line);
  }

  async #complete(line: string): Promise<Completion> {
    const question = this.#question;
    if (question?.code !== true || this.#options.complete === undefined) return [[], line];
    // There is nothing to complete before the first word: indent.
    if (line.trim() === "") return [[`${line}    `], line];
    return this.#options.complete(line).catch((): Completion => [[], line]);
  }

  #coloured(line: string, code: boolean | undefined): string {
    return code === true && this.#options.highlight ? this.#options.highlight(line) : line;
  }

  /** The line stands there without colours already; it is painted over, and the cursor comes back. */
  readonly #repaint = (): void => {
    const { line } = this.#interface;
    if (this.#question?.code !== true || this.#screen.muted || line === "") return;
    const { rows, cols } = this.#interface.getCursorPos();
    // At the end of a full row the terminal's cursor still waits there, one row above where it is
    // counted to be. The next key puts it right.
    if (cols === 0) return;
    const up = rows > 0 ? `\u001b[${rows}A` : "";
    const painted = this.#question.prompt + this.#coloured(line, true);
    this.#screen.write(`\u001b7${up}\r${painted}\u001b8`);
  };
}

/** A terminal that is shown nothing while it is muted. */
class MutedOutput extends Writable {
  muted = true;
  readonly isTTY = true;
  readonly #terminal: NodeJS.WriteStream;

  constructor(terminal: NodeJS.WriteStream) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    terminal.on("resize", () => this.emit("resize"));
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.muted) this.#terminal.write(chunk);
    done();
  }
}
