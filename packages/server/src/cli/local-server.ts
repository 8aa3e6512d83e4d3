/** The server that runs on this machine: where to ask it, and with which token. */

import { askDirectly, ConfigError, type LocalConfig } from "../config.js";
import { readServerRecord } from "./server-record.js";
import { readTokenFile } from "./token.js";

export interface LocalServer {
  readonly url: string;
  /** Undefined where it needs none. @throws ConfigError when it may not be read */
  adminToken(): string | undefined;
}

/**
 * As that server itself has written it down: neither PORT, nor HOST, nor a file of the folder that
 * the command is called in can put another in its place.
 * @throws ConfigError when none runs
 */
export function findLocalServer({ stateDir, token }: LocalConfig): LocalServer {
  const { url, auth, token_file } = readServerRecord(stateDir);
  askDirectly(new URL(url).hostname);
  return {
    url,
    adminToken: () => {
      if (auth === "none") return undefined;
      if (token_file !== null) return readTokenFile(token_file);
      if (token !== undefined) return token;
      throw new ConfigError(
        "the server was given its admin token by AUTH_TOKEN, and no file has it: set AUTH_TOKEN in this command's environment too, as commands read no .env",
      );
    },
  };
}
