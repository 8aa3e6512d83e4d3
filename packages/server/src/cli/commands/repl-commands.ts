/** Lines of `glovebox repl` that begin with a colon. */

import { basename } from "node:path";
import type { Session, Variable } from "@glovebox/sdk";
import { formatBytes } from "../terminal/amounts.js";
import { printable } from "../terminal/escape-filter.js";
import { formatTable } from "../terminal/table.js";
import { CommandError } from "./command.js";
import { parseFileArgument } from "./file-argument.js";
import { OutputFolder, writeTo } from "./output-folder.js";
import { download, upload } from "./transfer.js";

export const REPL_HELP = `  :files [PATH]       what lies in the working directory
  :put LOCAL[:NAME]   put a file there
  :get PATH [LOCAL]   save a file here; with --force over one that is here already
  :vars               variables
  :save FILE.ipynb    save all that was run as a notebook; --force as above
  :reset              a fresh interpreter and an empty working directory
  :help               this text
  :quit               leave, as exit() and Ctrl-D do

  NAME?  NAME??       what is known of an object; its source
  Tab                 completes; indents at the beginning of a line
  Ctrl-C              interrupts what runs; a second one within two seconds kills it
`;

export interface ReplState {
  readonly session: Session;
  readonly signal: AbortSignal;
}

/** One line. */
interface ReplRequest extends ReplState {
  readonly force: boolean;
}

type ReplCommand = (request: ReplRequest, args: readonly string[]) => Promise<string>;

const COMMANDS: Readonly<Record<string, ReplCommand>> = {
  help: async () => REPL_HELP,
  files: listFiles,
  put: putFile,
  get: getFile,
  vars: listVariables,
  save: saveNotebook,
  reset: async ({ session }) => {
    await session.reset();
    return "a fresh interpreter\n";
  },
};

/** What is to be shown; undefined for `:quit`. */
export async function runReplCommand(line: string, state: ReplState): Promise<string | undefined> {
  const [name = "", ...args] = line.slice(1).trim().split(/\s+/);
  if (["quit", "q", "exit"].includes(name)) return undefined;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new CommandError(`there is no :${name}; :help lists what there is`);
  const force = args.at(-1) === "--force";
  return command({ ...state, force }, force ? args.slice(0, -1) : args);
}

async function listFiles({ session, signal }: ReplState, [path = ""]: readonly string[]) {
  const { entries } = await session.files.list(path, { signal });
  const rows = entries.map(({ name, type, size }) => [
    type === "file" ? formatBytes(size) : printable(type),
    printable(name),
  ]);
  return rows.length > 0 ? formatTable(rows) : "no files\n";
}

async function putFile({ session, signal }: ReplState, [local]: readonly string[]) {
  if (local === undefined) throw new CommandError("say which file: :put LOCAL[:NAME]");
  const { path, size } = await upload(session, parseFileArgument(local), signal);
  return `put ${printable(path)}, ${formatBytes(size)}\n`;
}

async function getFile({ session, signal, force }: ReplRequest, [path, local]: readonly string[]) {
  if (path === undefined) throw new CommandError("say which file: :get PATH [LOCAL]");
  const savedAs = await download(session, path, signal, async (bytes) => {
    if (local === undefined) return new OutputFolder(".", { force }).save(basename(path), bytes);
    await writeTo(local, bytes, { force });
    return local;
  });
  return `saved ${printable(savedAs)}\n`;
}

async function listVariables({ session, signal }: ReplState) {
  const { variables, total } = await session.variables({ signal });
  const more = total - variables.length;
  const rows = variables.map((variable) => [
    variable.name,
    variable.type,
    shapeOf(variable),
    variable.preview,
  ]);
  const table = formatTable(
    rows.map((row) => row.map(printable)),
    process.stdout.columns,
  );
  return `${table}${more > 0 ? `and ${more} more\n` : total === 0 ? "no variables\n" : ""}`;
}

function shapeOf({ shape, length }: Variable): string {
  if (shape !== null) return shape.join("×");
  return length === null ? "" : String(length);
}

async function saveNotebook({ session, signal, force }: ReplRequest, [local]: readonly string[]) {
  if (local === undefined) throw new CommandError("say where to: :save FILE.ipynb");
  const notebook = await session.notebook({ signal });
  await writeTo(local, new Blob([`${JSON.stringify(notebook, undefined, 1)}\n`]).stream(), {
    force,
  });
  return `saved ${printable(local)}\n`;
}
