/** `glovebox files`: the working directory of a session. */

import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { Writable } from "node:stream";
import { parseArgs } from "node:util";
import type { FileEntry, Session } from "@glovebox/sdk";
import { printJson } from "../json-output.js";
import { formatBytes } from "../terminal/amounts.js";
import { printable } from "../terminal/escape-filter.js";
import { formatTable } from "../terminal/table.js";
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  type Command,
  CommandError,
  connectWith,
  parsing,
  UsageError,
} from "./command.js";
import { parseFileArgument } from "./file-argument.js";
import { Interruptions } from "./interruptions.js";
import { OutputFolder, writeTo } from "./output-folder.js";
import { openTerminal } from "./terminal.js";
import { download, reportSaved, saveAll, upload, uploadBytes } from "./transfer.js";

const HELP = `Usage: glovebox files COMMAND SESSION …

  ls SESSION [PATH] [--recursive]     what lies there
  get SESSION PATH [LOCAL|-]          save a file here, under its own name or as LOCAL, or print it
  get SESSION PATH [DIR] --recursive  save all that lies in a folder here or into DIR; names that begin
                                      with a dot are left out
    --force                           replace files that are here already
  put SESSION LOCAL|- [PATH]          put a file there, under its own name or as PATH
  mkdir SESSION PATH                  make a folder, and those above it
  mv SESSION PATH NEWPATH             rename or move
  rm SESSION PATH… [--recursive]      remove; a folder that is not empty with --recursive

Paths in a session are relative to its working directory, /workspace.
${COMMON_HELP}`;

const NAMED_MAX = 5;

interface Request {
  readonly session: Session;
  readonly rest: readonly string[];
  readonly recursive: boolean;
  readonly force: boolean;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

interface Action {
  /** How many arguments there may be after the session. */
  readonly least: number;
  readonly most: number;
  readonly run: (request: Request) => Promise<void>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  ls: { least: 0, most: 1, run: list },
  get: { least: 1, most: 2, run: get },
  put: { least: 1, most: 2, run: put },
  mkdir: { least: 1, most: 1, run: makeFolder },
  mv: { least: 2, most: 2, run: move },
  rm: { least: 1, most: Number.POSITIVE_INFINITY, run: remove },
};

async function manage(args: readonly string[]): Promise<number> {
  const options = {
    ...COMMON_OPTIONS,
    recursive: { type: "boolean", short: "r", default: false },
    force: { type: "boolean", short: "f", default: false },
  } as const;
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options, allowPositionals: true }),
  );
  const [name, sessionId, ...rest] = positionals;
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    throw new UsageError(`say what to do: ${Object.keys(ACTIONS).join(", ")}`);
  }
  if (sessionId === undefined) throw new UsageError("name the session");
  if (rest.length < action.least || rest.length > action.most) {
    throw new UsageError(`files ${name} does not take ${rest.length} paths`);
  }
  const interruptions = new Interruptions(() => {});
  const stopListening = interruptions.listen();
  try {
    const { client } = connectWith(values);
    const { recursive, force, json } = values;
    const session = client.session(sessionId);
    await action.run({ session, rest, recursive, force, json, signal: interruptions.signal });
    return 0;
  } catch (error) {
    if (interruptions.exitCode !== undefined) return interruptions.exitCode;
    throw error;
  } finally {
    stopListening();
  }
}

async function list({ session, rest, recursive, json, signal }: Request): Promise<void> {
  const [path = ""] = rest;
  const answer = await session.files.list(path, { recursive, signal });
  if (json) {
    printJson(answer);
    return;
  }
  process.stdout.write(formatTable(answer.entries.map((entry) => entryRow(entry, recursive))));
  if (answer.truncated) process.stderr.write("glovebox files: there is more than can be listed\n");
}

function entryRow({ name, path, type, size, mtime }: FileEntry, recursive: boolean): string[] {
  const shown = printable(recursive ? path : name);
  return [
    type === "file" ? formatBytes(size) : printable(type),
    printable(mtime.slice(0, 19).replace("T", " ")),
    type === "directory" ? `${shown}/` : shown,
  ];
}

async function get(request: Request): Promise<void> {
  const { session, rest, json, recursive, force, signal } = request;
  const [path = "", local] = rest;
  if (recursive) {
    await getFolder(request, path, local ?? ".");
    return;
  }
  if (local === "-") {
    await download(session, path, signal, printBytes);
    return;
  }
  const target = local ?? ".";
  const intoFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  const savedAs = await download(session, path, signal, async (bytes) => {
    // The name was chosen by the session's code; the caller's own is taken as it is.
    if (intoFolder) return new OutputFolder(target, { force }).save(basename(path), bytes);
    await writeTo(target, bytes, { force });
    return target;
  });
  if (json) printJson({ path, saved_as: savedAs });
  else reportSaved({ saved: [{ path, saved_as: savedAs }], refused: [] });
}

/** As it is in a pipe; on a terminal like everything that code has written. */
async function printBytes(bytes: ReadableStream<Uint8Array>): Promise<void> {
  const { stdout } = openTerminal();
  if (!stdout.isTerminal) {
    await bytes.pipeTo(Writable.toWeb(process.stdout), { preventClose: true });
    return;
  }
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    stdout.write(text);
    await stdout.drained();
  }
  stdout.settle();
}

async function getFolder(
  { session, force, json, signal }: Request,
  path: string,
  directory: string,
): Promise<void> {
  const { entries, truncated } = await session.files.list(path, { recursive: true, signal });
  const files = entries.filter(({ type }) => type === "file").map((entry) => entry.path);
  const folder = new OutputFolder(directory, { force });
  refuseTaken(folder, files);
  const result = await saveAll(session, files, folder, signal);
  if (json) printJson({ saved: result.saved, not_saved: result.refused });
  else reportSaved(result);
  if (truncated)
    throw new CommandError("there are more files than can be listed; some are missing");
}

/** Before anything is saved: half of a folder over half of another is neither. */
function refuseTaken(folder: OutputFolder, files: readonly string[]): void {
  const taken = folder.force ? [] : folder.taken(files);
  if (taken.length === 0) return;
  const some = taken.slice(0, NAMED_MAX).map(printable).join(", ");
  throw new CommandError(
    `${taken.length} of ${files.length} files are here already (${some}${taken.length > NAMED_MAX ? ", …" : ""}), and nothing was saved; --force replaces them, or name another folder`,
  );
}

async function put({ session, rest, json, signal }: Request): Promise<void> {
  const [local = "", path] = rest;
  const written =
    local === "-"
      ? await uploadStandardInput(session, path, signal)
      : await upload(session, fileToPut(local, path), signal);
  if (json) printJson(written);
  else process.stderr.write(`[put: ${printable(written.path)}, ${formatBytes(written.size)}]\n`);
}

function fileToPut(local: string, path: string | undefined) {
  const file = parseFileArgument(local);
  if (path === undefined) return file;
  return { ...file, name: path.endsWith("/") ? join(path, file.name) : path };
}

function uploadStandardInput(session: Session, path: string | undefined, signal: AbortSignal) {
  if (path === undefined) throw new UsageError("name the file that standard input is to become");
  return uploadBytes(session, path, process.stdin, undefined, signal);
}

async function makeFolder({ session, rest, json, signal }: Request): Promise<void> {
  const [path = ""] = rest;
  await session.files.mkdir(path, { signal });
  if (json) printJson({ path });
}

async function move({ session, rest, json, signal }: Request): Promise<void> {
  const [from = "", to = ""] = rest;
  await session.files.rename(from, to, { signal });
  if (json) printJson({ path: to });
}

async function remove({ session, rest, recursive, json, signal }: Request): Promise<void> {
  for (const path of rest) await session.files.delete(path, { recursive, signal });
  if (json) printJson({ removed: rest });
}

export const files: Command = { help: HELP, run: manage };
