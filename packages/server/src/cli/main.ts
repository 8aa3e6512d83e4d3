/**
 * The command line. Each command's code is loaded when it is called, so that the supervisor, which
 * is root, never holds the code that reads HTTP or any package of others.
 */

import { ConfigError, loadConfig } from "../config.js";
import { VERSION } from "../version.js";

const HELP = `Usage: glovebox COMMAND

  serve     run the server (as root; the HTTP side gives root up)
  keys      create, list and revoke keys on the running server; \`glovebox keys\` says how
  audit     verify the audit log; needs no server, \`glovebox audit\` says how
  doctor    check what the host must offer, then every protection on a live sandbox
  config    print the effective configuration, secrets masked
  help      this text
  version   the version

Configuration is by environment variables and a .env file; see docs/config.md.
`;

async function doctor(): Promise<number> {
  const { formatDoctor, runDoctorChecks } = await import("./doctor.js");
  const config = loadConfig();
  const checks = await runDoctorChecks({ rootfsDir: config.rootfsDir });
  if (checks.every(({ status }) => status !== "missing")) {
    const { runLiveChecks } = await import("./live-check.js");
    checks.push(...(await runLiveChecks(config)));
  }
  process.stdout.write(`${formatDoctor(checks).trimEnd()}\n`);
  return checks.some((check) => check.status === "missing") ? 1 : 0;
}

function printConfig(): number {
  const { effective } = loadConfig();
  for (const [name, value] of Object.entries(effective)) {
    process.stdout.write(`${name}=${value}\n`);
  }
  return 0;
}

async function run([command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case "serve": {
      const { serve } = await import("./serve.js");
      return serve(loadConfig());
    }
    case "gateway": {
      const { runGateway } = await import("./gateway.js");
      // The supervisor has read the .env file for it.
      return runGateway(loadConfig(undefined, ""));
    }
    case "keys": {
      const { keys } = await import("./keys.js");
      return keys(loadConfig(), rest);
    }
    case "audit": {
      const { audit } = await import("./audit.js");
      return audit(loadConfig(), rest);
    }
    case "doctor":
      return doctor();
    case "config":
      return printConfig();
    case "version":
    case "--version":
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(HELP);
      return 0;
    default:
      process.stderr.write(
        command === undefined ? HELP : `glovebox: there is no command "${command}"\n\n${HELP}`,
      );
      return 2;
  }
}

/** Entry point of bin/glovebox.mjs: sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    process.exitCode = await run(args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`glovebox: ${error.message}\n`);
    process.exitCode = 2;
  }
}
