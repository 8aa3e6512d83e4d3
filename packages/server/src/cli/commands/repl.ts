/** `glovebox repl`: a prompt. */

import { parseArgs } from "node:util";
import { type ExecuteResponse, type Glovebox, GloveboxError, type Session } from "@glovebox/sdk";
import { loadClientConfig } from "../../config.js";
import { printJson } from "../json-output.js";
import { bundleText } from "../terminal/bundle.js";
import { highlight } from "../terminal/highlight.js";
import { ImageFolder } from "../terminal/images.js";
import { LineReader } from "../terminal/line-reader.js";
import { CellReader } from "./cell-reader.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  describe,
  parsing,
  sentenceOf,
} from "./command.js";
import { Interruptions } from "./interruptions.js";
import { runLive } from "./live-run.js";
import { REPL_HELP, runReplCommand } from "./repl-commands.js";
import { ReplHistory } from "./repl-history.js";
import { askUser, openTerminal, type Terminal } from "./terminal.js";

const HELP = `Usage: glovebox repl [--session ID] [--out DIR]

Type Python, line by line. Without --session the session is a fresh one that ends with the prompt.

  --session ID       use this session, made if there is none; it stays
  --out DIR          where images are saved; default glovebox-images, made when there is one

At the prompt:
${REPL_HELP}
Lines are kept in XDG_STATE_HOME/glovebox/repl-history, answers to input() are not.
${COMMON_HELP}
With --json each cell of standard input is answered with one line.
`;

const IMAGES_DIRECTORY = "glovebox-images";
/** The session is told that it is in use as often as this, or more often where it lives shortly. */
const KEEP_ALIVE_MS_MAX = 60_000;

/** What leaves Python's own prompt leaves this one; the kernel itself has nothing to do for it. */
function isFarewell(code: string): boolean {
  return /^(?:exit|quit)\s*(?:\(\s*\))?$/.test(code.trim());
}

class Repl {
  readonly #session: Session;
  readonly #terminal: Terminal;
  readonly #json: boolean;
  readonly #images: ImageFolder;
  readonly #reader: LineReader;
  readonly #cells: CellReader;
  readonly #interruptions: Interruptions;
  #number = 1;
  /** Whether the person knows already what the next answer will say. */
  #isLossTold = false;
  #running = false;

  constructor(
    session: Session,
    terminal: Terminal,
    options: { readonly json: boolean; readonly out: string },
  ) {
    this.#session = session;
    this.#terminal = terminal;
    this.#json = options.json;
    this.#images = new ImageFolder(options.out);
    this.#interruptions = new Interruptions((text) => {
      if (terminal.stderr.isTerminal) terminal.stderr.writeOwn(`\n${text}\n`);
    });
    const { colour, stateHome } = loadClientConfig();
    const history = new ReplHistory(stateHome);
    this.#cells = new CellReader(session, terminal.stdout.colour);
    this.#reader = new LineReader({
      input: process.stdin,
      output: process.stdout,
      onInterrupt: () => this.#interrupt(),
      complete: (line) => this.#cells.complete(line),
      ...(colour && { highlight }),
      history: history.load(),
      onRemember: (line) => history.add(line),
    });
  }

  /** Until the end of input. Resolves with the exit code. */
  async run(): Promise<number> {
    const stopListening = this.#interruptions.listen();
    // No more input is asked for when the command itself is ended.
    this.#interruptions.signal.addEventListener("abort", () => this.#reader.close());
    try {
      if (this.#reader.isTerminal) this.#greet();
      while (await this.#turn());
      return this.#interruptions.exitCode ?? 0;
    } catch (error) {
      if (this.#interruptions.exitCode !== undefined) return this.#interruptions.exitCode;
      throw error;
    } finally {
      stopListening();
      this.#reader.close();
    }
  }

  #greet(): void {
    this.#terminal.stdout.writeOwn(
      `Glovebox, session ${this.#session.id}. :help says what there is, Ctrl-D leaves.\n`,
    );
  }

  /** At the prompt it takes the cell back, else it goes to the cell that runs. */
  #interrupt(): void {
    // Also while the cell waits for input, which will not come.
    this.#reader.takeBack();
    if (this.#running) this.#interruptions.press();
  }

  /** One cell. False at the end. */
  async #turn(): Promise<boolean> {
    const cell = await this.#cells.read(this.#reader, this.#number);
    if (cell.kind === "end") return false;
    if (cell.kind === "taken back" || cell.code.trim() === "") return true;
    try {
      if (isFarewell(cell.code)) return false;
      if (cell.code.startsWith(":")) return await this.#command(cell.code);
      if (!(await this.#inspect(cell.code))) await this.#execute(cell.code);
    } catch (error) {
      if (this.#interruptions.exitCode !== undefined) throw error;
      this.#tell(error);
    }
    return true;
  }

  async #command(line: string): Promise<boolean> {
    const state = { session: this.#session, signal: this.#interruptions.signal };
    const text = await runReplCommand(line, state);
    if (text === undefined) return false;
    this.#terminal.stdout.writeOwn(text);
    return true;
  }

  /** `name?` and `name??`. False when it is no such line, or nothing is known of the name. */
  async #inspect(code: string): Promise<boolean> {
    const [, name, marks] = /^\s*([\p{L}_][\p{L}\p{N}_.]*)(\?\??)\s*$/u.exec(code) ?? [];
    if (name === undefined) return false;
    const detailLevel = marks === "??" ? 1 : 0;
    const { found, data } = await this.#session.inspect(name, { detailLevel });
    if (!found) return false;
    this.#terminal.stdout.write(`${bundleText(data).trimEnd()}\n`);
    this.#terminal.stdout.settle();
    return true;
  }

  async #execute(code: string): Promise<void> {
    const terminal = this.#terminal;
    const printer = this.#json ? undefined : terminal.printer(this.#images);
    this.#running = true;
    try {
      const result = await runLive({
        session: this.#session,
        code,
        printer,
        interruptions: this.#interruptions,
        kill: () => this.#session.reset(),
        options: {},
        onInput: printer && ((question) => askUser(question, this.#reader, terminal, printer)),
      });
      if (this.#json) printJson(result);
      else this.#finish(result);
    } finally {
      this.#running = false;
      // An input request without an answer, while the cell ended otherwise.
      this.#reader.takeBack();
    }
  }

  #finish(result: ExecuteResponse): void {
    const lost = result.execution_count === null;
    const { reason } = result.session_restarted ?? {};
    if (reason !== undefined && !this.#isLossTold) {
      this.#terminal.stderr.writeOwn(`[variables and files were lost before this: ${reason}]\n`);
    }
    this.#isLossTold = lost;
    this.#number = (result.execution_count ?? 0) + 1;
    if (lost) {
      this.#terminal.stderr.writeOwn(
        `[${result.status}: the interpreter has ended; variables and files are gone]\n`,
      );
    }
  }

  #tell(error: unknown): void {
    const told = describe(error);
    if (told === undefined) throw error;
    this.#terminal.stderr.writeOwn(`${sentenceOf(told)}\n`);
  }
}

async function startRepl(args: readonly string[]): Promise<number> {
  const { values } = parsing(() =>
    parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        session: { type: "string" },
        out: { type: "string", default: IMAGES_DIRECTORY },
      },
    }),
  );
  const { client } = connectWith(values);
  const session = await openSession(client, values.session);
  const stopKeeping = await keepAlive(session);
  try {
    return await new Repl(session, openTerminal(), values).run();
  } finally {
    stopKeeping();
    if (values.session === undefined) await session.release();
  }
}

/** Makes it at once, so that a wrong token or a full server is told before anything is typed. */
async function openSession(client: Glovebox, id: string | undefined): Promise<Session> {
  if (id === undefined) return client.createSession();
  try {
    return await client.createSession({ id });
  } catch (error) {
    if (!GloveboxError.isInstance(error) || error.code !== "SESSION_EXISTS") throw error;
    return client.session(id);
  }
}

/** Somebody who thinks at the prompt does not lose the session. */
async function keepAlive(session: Session): Promise<() => void> {
  const { ttl } = await session.info();
  const timer = setInterval(
    () => void session.keepAlive().catch(() => {}),
    Math.min(KEEP_ALIVE_MS_MAX, (ttl * 1000) / 3),
  );
  timer.unref();
  return () => clearInterval(timer);
}

export const repl: Command = { help: HELP, run: startRepl };
