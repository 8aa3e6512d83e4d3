/**
 * The command line. Each command's code is loaded when it is called, so that the supervisor, which
 * is root, never holds the code that reads HTTP or any package of others.
 */

import { parseArgs } from "node:util";
import { ConfigError, DOT_ENV, loadConfig } from "../config.js";
import { VERSION } from "../version.js";
import type { Command } from "./commands/command.js";
import { printJson } from "./json-output.js";

const HELP = `Usage: glovebox COMMAND

On the server's machine, as root:
  serve     run the server (the HTTP side gives root up)
  audit     verify the audit log; needs no server
  data      download data sets, list shared folders; needs no server, the download no root
  doctor    check what the host must offer, then every protection on a live sandbox
  config    print the effective configuration, secrets masked

From anywhere, with a token:
  ask       ask the server's model, which runs code to answer
  run       run a program or a notebook and print what it prints
  batch     run many programs, each in a sandbox of its own
  repl      type Python, line by line
  ps        sessions, and what runs in them
  logs      the executions of a session and their output
  files     list, get, put and remove files of a session
  kill      end a session or a sandbox
  status    is the server up, and how full is it
  keys      create, list and revoke keys
  panic     kill every sandbox at once and refuse new work
  resume    let work in again

  help      this text; \`glovebox help COMMAND\` says more
  version   the version

All but serve take --json and then print JSON, errors included.
Configuration is by environment variables; serve and config read a .env file as well. See
docs/config.md and docs/cli.md.
`;

/** Those that ask a server. Each is loaded when it is called. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  ask: async () => (await import("./commands/ask.js")).ask,
  run: async () => (await import("./commands/run.js")).runProgram,
  batch: async () => (await import("./commands/batch.js")).batch,
  repl: async () => (await import("./commands/repl.js")).repl,
  ps: async () => (await import("./commands/ps.js")).ps,
  logs: async () => (await import("./commands/logs.js")).logs,
  files: async () => (await import("./commands/files.js")).files,
  kill: async () => (await import("./commands/kill.js")).kill,
  status: async () => (await import("./commands/status.js")).status,
  keys: async () => (await import("./commands/keys.js")).keys,
  panic: async () => (await import("./commands/panic.js")).panic,
  resume: async () => (await import("./commands/panic.js")).resume,
};

async function doctor(args: readonly string[]): Promise<number> {
  const json = onlyJson(args);
  const { formatDoctor, runDoctorChecks } = await import("./doctor.js");
  const config = loadConfig();
  const checks = await runDoctorChecks({ rootfsDir: config.rootfsDir });
  if (checks.every(({ status }) => status !== "missing")) {
    const { runLiveChecks } = await import("./live-check.js");
    checks.push(...(await runLiveChecks(config)));
  }
  if (json) printJson({ checks });
  else process.stdout.write(`${formatDoctor(checks).trimEnd()}\n`);
  return checks.some((check) => check.status === "missing") ? 1 : 0;
}

function printConfig(args: readonly string[]): number {
  const json = onlyJson(args);
  const { effective } = loadConfig(undefined, DOT_ENV);
  if (json) {
    printJson(effective);
    return 0;
  }
  for (const [name, value] of Object.entries(effective)) {
    process.stdout.write(`${name}=${value}\n`);
  }
  return 0;
}

function printVersion(args: readonly string[]): number {
  if (onlyJson(args)) printJson({ version: VERSION });
  else process.stdout.write(`${VERSION}\n`);
  return 0;
}

/** For commands without any other option. @throws ConfigError */
function onlyJson(args: readonly string[]): boolean {
  try {
    return (
      parseArgs({ args: [...args], options: { json: { type: "boolean" } } }).values.json === true
    );
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** Those that ask no server, or read its files. */
const OTHER_HELP: Readonly<Record<string, () => Promise<string>>> = {
  audit: async () => (await import("./audit.js")).HELP,
  data: async () => (await import("./data.js")).HELP,
  serve: async () => HELP,
  doctor: async () => HELP,
  config: async () => HELP,
};

/** Of one command, or of all. */
async function help(name = ""): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.() : undefined;
  const other = Object.hasOwn(OTHER_HELP, name) ? await OTHER_HELP[name]?.() : undefined;
  process.stdout.write(command?.help ?? other ?? HELP);
  return 0;
}

async function run([command, ...rest]: readonly string[]): Promise<number> {
  const load = command !== undefined && Object.hasOwn(COMMANDS, command) && COMMANDS[command];
  if (load) {
    const { runCommand } = await import("./commands/command.js");
    return runCommand(command, await load(), rest);
  }
  if (command !== undefined && Object.hasOwn(OTHER_HELP, command) && rest.includes("--help")) {
    return help(command);
  }
  switch (command) {
    case "serve": {
      const { serve } = await import("./serve.js");
      return serve(loadConfig(undefined, DOT_ENV));
    }
    case "gateway": {
      const { runGateway } = await import("./gateway.js");
      // The supervisor has read the .env file for it.
      return runGateway(loadConfig());
    }
    case "audit": {
      const { audit } = await import("./audit.js");
      return audit(loadConfig(), rest);
    }
    case "data": {
      const { data } = await import("./data.js");
      return data(loadConfig(), rest);
    }
    case "doctor":
      return doctor(rest);
    case "config":
      return printConfig(rest);
    case "version":
    case "--version":
      return printVersion(rest);
    case "help":
    case "--help":
    case "-h":
      return help(rest[0]);
    default:
      process.stderr.write(
        command === undefined ? HELP : `glovebox: there is no command "${command}"\n\n${HELP}`,
      );
      return 2;
  }
}

const BROKEN_PIPE = 141;

/** Entry point of bin/glovebox.mjs: sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  if (args[0] !== "serve" && args[0] !== "gateway") endWithTheReader();
  try {
    const exitCode = await run(args);
    process.exitCode ??= exitCode;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { message } = error;
    if (args.includes("--json")) printJson({ error: { code: "CONFIGURATION", message } });
    else process.stderr.write(`glovebox: ${message}\n`);
    process.exitCode = 2;
  }
}

/** The reader of the output may have closed it, as in `glovebox config | head -1`. */
function endWithTheReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exitCode = BROKEN_PIPE;
  });
}
