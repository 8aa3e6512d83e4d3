/** `glovebox run`: a program or a notebook in a sandbox, as if it ran here. */

import { basename } from "node:path";
import { parseArgs } from "node:util";
import type { ExecuteResponse, Glovebox, Notebook, Session } from "@glovebox/sdk";
import { inheritedVariable } from "../../config.js";
import { printJson } from "../json-output.js";
import { ImageFolder } from "../terminal/images.js";
import type { Printer } from "../terminal/printer.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";
import { type FileArgument, parseFilesArgument } from "./file-argument.js";
import { Interruptions } from "./interruptions.js";
import { runLive } from "./live-run.js";
import { OutputFolder } from "./output-folder.js";
import { inSession } from "./own-session.js";
import { runNotebook } from "./run-notebook.js";
import { readSourceText } from "./source-text.js";
import { StandardInput } from "./standard-input.js";
import { openTerminal, type Terminal } from "./terminal.js";
import { reportSaved, type SavedFiles, saveAll, saveOne } from "./transfer.js";

const HELP = `Usage: glovebox run [OPTIONS] FILE.py|NOTEBOOK.ipynb|- [ARGUMENTS]

Run a program in a sandbox and print what it prints, as it prints it. \`-\` reads the program from
standard input. What \`input()\` asks is answered by standard input. ARGUMENTS are the program's
\`sys.argv\`; those that begin with a dash stand behind \`--\`.

  --session ID       run in this session, which stays; default: a fresh one that ends with the run
  --file LOCAL[:NAME]  put a file or a folder into the working directory first; may be given more
                     than once
  --env NAME=VALUE   set a variable of the environment; NAME alone takes this one's
  --out DIR          save the files that the run creates or changes, its images, and the notebook
                     with its outputs; names that begin with a dot are left out
  --force            let --out replace files that are there already
  --timeout SECONDS  stop the run after that long; of a notebook each cell
  --memory SIZE      memory limit, such as 200m or 1g
${COMMON_HELP}
Ends with the exit code of the program: N of sys.exit(N), 1 after an exception, 124 after a timeout,
130 when interrupted, 137 when killed. 125 means that Glovebox could not run it, 2 wrong usage.
Ctrl-C interrupts the program, a second one within two seconds kills it.
`;

/** As many as the server lists. */
const LISTED_FILES_MAX = 1000;

interface Request {
  readonly source: string;
  readonly sessionId: string | undefined;
  /** As `sys.argv` has it; undefined for a notebook. */
  readonly script: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly FileArgument[];
  readonly out: string | undefined;
  readonly force: boolean;
  readonly timeoutMs: number | undefined;
  readonly memory: string | undefined;
  readonly json: boolean;
}

/** What a run needs besides the request. */
interface Surroundings {
  readonly terminal: Terminal;
  readonly interruptions: Interruptions;
}

async function runProgramFile(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsing(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...COMMON_OPTIONS,
        session: { type: "string" },
        file: { type: "string", multiple: true, default: [] },
        out: { type: "string" },
        force: { type: "boolean", default: false },
        env: { type: "string", multiple: true, default: [] },
        timeout: { type: "string" },
        memory: { type: "string" },
      },
    }),
  );
  const [source, ...more] = positionals;
  if (source === undefined) {
    throw new UsageError("name one program or notebook, or - for standard input");
  }
  if (isNotebook(source) && more.length > 0) throw new UsageError("a notebook takes no arguments");
  const script = isNotebook(source) ? undefined : [scriptName(source), ...more];
  const request: Request = {
    source,
    sessionId: values.session,
    script,
    env: parseEnvironment(values.env),
    files: values.file.flatMap(parseFilesArgument),
    out: values.out,
    force: values.force,
    timeoutMs: values.timeout === undefined ? undefined : parseSeconds(values.timeout),
    memory: values.memory,
    json: values.json,
  };
  const program = readSourceText(source, "program");
  return withSession(connectWith(values).client, request, (session, surroundings) =>
    isNotebook(source)
      ? runNotebookIn(session, parseNotebook(program, source), request, surroundings)
      : runCodeIn(session, program, request, surroundings),
  );
}

/** As it would be called in the working directory of the sandbox. */
function scriptName(source: string): string {
  return source === "-" ? "-" : basename(source);
}

/** @throws UsageError */
function parseEnvironment(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = "", ...rest] = setting.split("=");
      const value = rest.length > 0 ? rest.join("=") : inheritedVariable(name);
      if (value === undefined)
        throw new UsageError(`--env ${name}: there is no such variable here`);
      return [name, value];
    }),
  );
}

function parseSeconds(text: string): number {
  const seconds = Number(text || Number.NaN);
  if (!(seconds > 0))
    throw new UsageError(`--timeout must be a number of seconds, and is "${text}"`);
  return seconds * 1000;
}

function isNotebook(source: string): boolean {
  return source.endsWith(".ipynb");
}

function parseNotebook(text: string, source: string): Notebook {
  try {
    return JSON.parse(text) as Notebook;
  } catch {
    throw new UsageError(`${source} is not a notebook: it is not JSON`);
  }
}

/** A fresh session ends with the run, however that ends. */
async function withSession(
  client: Glovebox,
  request: Request,
  body: (session: Session, surroundings: Surroundings) => Promise<number>,
): Promise<number> {
  const terminal = openTerminal();
  const interruptions = new Interruptions((text) => {
    if (terminal.stderr.isTerminal) terminal.stderr.writeOwn(`\nglovebox run: ${text}\n`);
  });
  return inSession(client, request, interruptions, (session) =>
    body(session, { terminal, interruptions }),
  );
}

async function runCodeIn(
  session: Session,
  code: string,
  request: Request,
  surroundings: Surroundings,
): Promise<number> {
  const { interruptions } = surroundings;
  const { source, sessionId, script, env, memory, timeoutMs } = request;
  const result = await withPrinter(request, surroundings, (printer, input) =>
    runLive({
      session,
      code,
      interruptions,
      printer,
      kill: () => endSandbox(session, request),
      options: {
        ...(script !== undefined && { argv: script }),
        ...(Object.keys(env).length > 0 && { env }),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(sessionId !== undefined && memory !== undefined && { memoryLimit: memory }),
      },
      // Where standard input was the program, it holds no answers.
      onInput: source === "-" ? undefined : input?.answer,
    }),
  );
  const { reason } = result.session_restarted ?? {};
  if (reason !== undefined && !request.json) {
    surroundings.terminal.stderr.writeOwn(
      `[the session had lost its variables and files before this run: ${reason}]\n`,
    );
  }
  const saved = await saveOutputs(session, [result], request, interruptions.signal);
  report(result, saved, request);
  return result.exit_code;
}

async function runNotebookIn(
  session: Session,
  notebook: Notebook,
  request: Request,
  surroundings: Surroundings,
): Promise<number> {
  const { interruptions } = surroundings;
  const { source, sessionId, env, memory, timeoutMs, out } = request;
  if (sessionId !== undefined && memory !== undefined) {
    throw new UsageError("--memory with a notebook needs a session of its own, without --session");
  }
  if (Object.keys(env).length > 0) await session.execute("", { env, signal: interruptions.signal });
  const { answer, results } = await withPrinter(request, surroundings, (printer, input) =>
    runNotebook({
      session,
      notebook,
      interruptions,
      timeoutMs,
      printer,
      onInput: input?.answer,
      kill: () => endSandbox(session, request),
    }),
  );
  let files = await saveOutputs(session, results, request, interruptions.signal);
  if (out !== undefined) {
    const text = `${JSON.stringify(answer.notebook, undefined, 1)}\n`;
    const own = await saveOne(basename(source), text, new OutputFolder(out, request));
    files = {
      saved: [...files.saved, ...own.saved],
      refused: [...files.refused, ...own.refused],
    };
  }
  report(answer, files, request);
  return results.at(-1)?.exit_code ?? (answer.status === "ok" ? 0 : 1);
}

/** With --json nothing is printed while it runs, and input() is not answered. */
async function withPrinter<T>(
  { source, json, out }: Request,
  { terminal, interruptions }: Surroundings,
  action: (printer: Printer | undefined, input: StandardInput | undefined) => Promise<T>,
): Promise<T> {
  if (json) return action(undefined, undefined);
  const printer = terminal.printer(out === undefined ? undefined : new ImageFolder(out));
  const input = new StandardInput({
    terminal,
    printer,
    onInterrupt: () => interruptions.press(),
    isShared: isNotebook(source),
  });
  try {
    return await action(printer, input);
  } finally {
    input.close();
  }
}

function endSandbox(session: Session, { sessionId }: Request): Promise<unknown> {
  return sessionId === undefined ? session.release() : session.reset();
}

async function saveOutputs(
  session: Session,
  results: readonly ExecuteResponse[],
  { out, force }: Request,
  signal: AbortSignal,
): Promise<SavedFiles> {
  if (out === undefined) return { saved: [], refused: [] };
  const lists = results.flatMap((result) => [result.files_created, result.files_modified]);
  if (lists.some((list) => list.length >= LISTED_FILES_MAX)) {
    process.stderr.write(`[only the first ${LISTED_FILES_MAX} files are saved]\n`);
  }
  return saveAll(session, [...new Set(lists.flat())], new OutputFolder(out, { force }), signal);
}

function report(answer: object, files: SavedFiles, { json }: Request): void {
  if (json) printJson({ ...answer, saved: files.saved, not_saved: files.refused });
  else reportSaved(files);
}

export const runProgram: Command = { help: HELP, failureCode: 125, run: runProgramFile };
