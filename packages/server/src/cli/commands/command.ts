/** What the commands that ask a server have in common: options, help, and how they fail. */

import type { ParseArgsConfig } from "node:util";
import { GloveboxError } from "@glovebox/sdk";
import { ConfigError, loadClientConfig } from "../../config.js";
import { printJson } from "../json-output.js";
import { FolderRefused } from "../open-folder.js";
import { printable } from "../terminal/escape-filter.js";
import { type Connection, connect } from "./connection.js";

export interface Command {
  /** All of `glovebox help NAME`. */
  readonly help: string;
  /** The exit code of a refusal, or of a server that is not there. Default 1. */
  readonly failureCode?: number;
  /** Resolves with the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {}

/** Something on this side does not work out; told as it is. */
export class CommandError extends Error {}

export const COMMON_OPTIONS = {
  json: { type: "boolean", default: false },
  url: { type: "string" },
  "token-file": { type: "string" },
} as const satisfies ParseArgsConfig["options"];

/** The end of each help text. */
export const COMMON_HELP = `
  --json             machine-readable output, errors included
  --url URL          the server; default GLOVEBOX_URL, else the one on this machine
  --token-file FILE  holds the token or key; default GLOVEBOX_TOKEN or GLOVEBOX_TOKEN_FILE,
                     else the admin token of the server on this machine
`;

/** For parseArgs, which throws plain errors. @throws UsageError */
export function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** For commands whose options are the common ones. */
export function connectWith(values: {
  readonly url?: string | undefined;
  readonly "token-file"?: string | undefined;
}): Connection {
  return connect({ url: values.url, tokenFile: values["token-file"] }, loadClientConfig());
}

export async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
): Promise<number> {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (own.includes("--help") || own.includes("-h")) {
    process.stdout.write(command.help);
    return 0;
  }
  const failure = own.includes("--json") ? printJsonFailure : printFailure;
  try {
    return await command.run(args);
  } catch (error) {
    const told = describe(error);
    if (told === undefined) throw error;
    const usage = error instanceof UsageError;
    failure(name, usage ? { ...told, hint: `See \`glovebox help ${name}\`.` } : told);
    return usage || error instanceof ConfigError ? 2 : (command.failureCode ?? 1);
  }
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

function printFailure(name: string, failure: Failure): void {
  process.stderr.write(`glovebox ${name}: ${sentenceOf(failure)}\n`);
}

/** In one line that is safe to show. */
export function sentenceOf({ message, hint }: Failure): string {
  const sentences = [message.replace(/\.$/, ""), hint].filter((one) => one !== undefined);
  return printable(sentences.join(". "));
}

function printJsonFailure(_name: string, failure: Failure): void {
  printJson({ error: failure });
}

/** What a person at a terminal can do about it, which is not what a program can. */
const HINTS: Readonly<Record<string, string>> = {
  UNAUTHENTICATED:
    "Give the right token by --token-file, GLOVEBOX_TOKEN or GLOVEBOX_TOKEN_FILE. The start of the server tells where its admin token lies.",
  CONNECTION_FAILED:
    "Is the server running (`glovebox serve`), and is --url or GLOVEBOX_URL right?",
  INVALID_RESPONSE: "Is --url or GLOVEBOX_URL right?",
  SESSION_NOT_FOUND: "`glovebox ps` lists those that there are.",
  SANDBOX_NOT_FOUND: "`glovebox ps` lists those that there are.",
  EXECUTION_NOT_FOUND: "`glovebox logs` lists those that are kept.",
  FILE_NOT_FOUND: "`glovebox files ls SESSION --recursive` lists what there is.",
  DIRECTORY_NOT_EMPTY: "--recursive removes it with all that is in it.",
  IS_A_DIRECTORY: "`glovebox files get SESSION FOLDER DIR --recursive` saves what is in it.",
  PANICKED: "An admin lets work in again with `glovebox resume`.",
};

/** Undefined for a mistake of ours. */
export function describe(error: unknown): Failure | undefined {
  if (GloveboxError.isInstance(error)) {
    const { code, message, hint } = error;
    return { code, message, hint: HINTS[code] ?? hint };
  }
  if (error instanceof UsageError) return { code: "USAGE", message: error.message };
  if (error instanceof ConfigError) return { code: "CONFIGURATION", message: error.message };
  const isOurs = error instanceof CommandError || error instanceof FolderRefused;
  if (isOurs || isSystemError(error)) {
    return { code: "FAILED", message: error.message };
  }
  return undefined;
}

/** A disk that is full, a folder that may not be written to: the message names what and where. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}
