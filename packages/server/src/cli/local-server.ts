/** The server that runs with this configuration on this machine: where to ask it, and with which token. */

import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "../config.js";
import { runningServer } from "./instance-lock.js";

/** @throws ConfigError when none runs */
export function localServerUrl(config: Config): string {
  // Whoever else listens on that port while the server is away must not be sent the token.
  if (runningServer(config.stateDir) === undefined) {
    throw new ConfigError(
      `no server runs with STATE_DIR ${config.stateDir}; start it with \`glovebox serve\``,
    );
  }
  if (config.port === 0) throw new ConfigError("PORT=0: set PORT to the port the server has taken");
  return `http://${hostToAsk(config.host)}:${config.port}`;
}

/** @throws ConfigError when it may not be read */
export function localAdminToken(config: Config): string {
  if (config.token !== undefined) return config.token;
  try {
    return readFileSync(config.tokenFile, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`the admin token in ${config.tokenFile} cannot be read (${code})`);
  }
}

/** An address to listen on everywhere is none to connect to. */
function hostToAsk(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
