/**
 * STATE_DIR/server.json: where the server that runs is reached, and which file holds its admin token.
 * The supervisor writes it and the commands on this machine believe it, instead of variables and
 * files of the folder that a command is called in.
 */

import { rmSync } from "node:fs";
import { readTrustedFile, writeTrustedFile } from "../config/trusted-place.js";
import { type Config, ConfigError } from "../config.js";
import { ownProcess, type ProcessName, runningServer } from "./instance-lock.js";

export interface ServerRecord extends ProcessName {
  readonly url: string;
  readonly auth: Config["auth"];
  /** Null where the token was given to the server by a variable. */
  readonly token_file: string | null;
}

const nameOf = (stateDir: string) => `${stateDir}/server.json`;

/** `address` is what the gateway says, which is believed about a port that was left to it and no more. */
export function writeServerRecord(config: Config, address: string): void {
  const port = config.port === 0 ? portOf(address) : config.port;
  if (port === undefined) return;
  const record: ServerRecord = {
    ...ownProcess(),
    url: `http://${hostToAsk(config.host)}:${port}`,
    auth: config.auth,
    token_file: config.token === undefined ? config.tokenFile : null,
  };
  writeTrustedFile(nameOf(config.stateDir), `${JSON.stringify(record)}\n`);
}

/** Others may have the port from now on. */
export function removeServerRecord({ stateDir }: Config): void {
  rmSync(nameOf(stateDir), { force: true });
}

/**
 * What the running server has written about itself.
 * @throws ConfigError when none runs, or when others could have written it
 */
export function readServerRecord(stateDir: string): ServerRecord {
  const server = runningServer(stateDir);
  if (server === undefined) {
    throw new ConfigError(
      `no server runs with STATE_DIR ${stateDir}; start it with \`glovebox serve\`, or set STATE_DIR to that of the server`,
    );
  }
  const record = parse(readTrustedFile(nameOf(stateDir), { secret: false }));
  if (record?.pid === server.pid && record.started === server.started) return record;
  throw new ConfigError(
    `the server with STATE_DIR ${stateDir} (pid ${server.pid}) does not serve at the moment; try again`,
  );
}

function parse(text: string | undefined): ServerRecord | undefined {
  try {
    const record = JSON.parse(text ?? "null") as ServerRecord | null;
    const { pid, started, url, auth, token_file } = record ?? ({} as Partial<ServerRecord>);
    const isRecord =
      typeof pid === "number" &&
      typeof started === "string" &&
      typeof url === "string" &&
      (auth === "token" || auth === "none") &&
      (token_file === null || typeof token_file === "string");
    return isRecord ? { pid, started, url, auth, token_file } : undefined;
  } catch {
    return undefined;
  }
}

function portOf(address: string): string | undefined {
  return /:(\d{1,5})$/.exec(address)?.[1];
}

/** An address to listen on everywhere is none to connect to. */
function hostToAsk(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
