/** What the commands that ask a server have in common: options, help, and how they fail. */

import type { ParseArgsConfig } from "node:util";
import { GloveboxError } from "@glovebox/sdk";
import { ConfigError, loadClientConfig } from "../../config.js";
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

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
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
    if (error instanceof UsageError) {
      failure(name, {
        code: "USAGE",
        message: error.message,
        hint: `See \`glovebox help ${name}\`.`,
      });
      return 2;
    }
    if (error instanceof ConfigError) {
      failure(name, { code: "CONFIGURATION", message: error.message });
      return 2;
    }
    if (error instanceof CommandError) {
      failure(name, { code: "FAILED", message: error.message });
      return command.failureCode ?? 1;
    }
    if (!GloveboxError.isInstance(error)) throw error;
    failure(name, explain(error));
    return command.failureCode ?? 1;
  }
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

function printFailure(name: string, { message, hint }: Failure): void {
  const sentences = [message.replace(/\.$/, ""), hint].filter((one) => one !== undefined);
  process.stderr.write(`glovebox ${name}: ${printable(sentences.join(". "))}\n`);
}

function printJsonFailure(_name: string, failure: Failure): void {
  printJson({ error: failure });
}

/** What somebody at a terminal can do about it, which is not what a program can. */
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

function explain({ code, message, hint }: GloveboxError): Failure {
  return { code, message, hint: HINTS[code] ?? hint };
}
