/** Which server is asked, and with which token. */

import { readFileSync } from "node:fs";
import { Glovebox } from "@glovebox/sdk";
import { type ClientConfig, ConfigError, loadLocalConfig } from "../../config.js";
import { findLocalServer } from "../local-server.js";
import { checkedFetch } from "./checked-answers.js";

export interface Connection {
  readonly client: Glovebox;
  readonly url: string;
}

export interface ConnectionOptions {
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
}

/**
 * The admin token of this machine is for the server of this machine: it is never sent to an address
 * that was given by name.
 * @throws ConfigError
 */
export function connect(options: ConnectionOptions, client: ClientConfig): Connection {
  const given = options.url ?? client.url;
  const token = givenToken(options, client);
  if (given !== undefined) {
    checkUrl(given, options.url === undefined ? "GLOVEBOX_URL" : "--url");
    return open(given, token);
  }
  const local = withAdvice("or name a server by --url or GLOVEBOX_URL", () =>
    findLocalServer(loadLocalConfig()),
  );
  const adminToken = () =>
    withAdvice("run this as root, or give a token by GLOVEBOX_TOKEN or --token-file", () =>
      local.adminToken(),
    );
  return open(local.url, token ?? adminToken());
}

/** @throws ConfigError that names where the address came from, which the SDK cannot know */
function checkUrl(url: string, source: string): void {
  if (URL.canParse(url) && /^https?:/i.test(url)) return;
  throw new ConfigError(
    `${source} must be an address such as http://127.0.0.1:8000, and is "${url}"`,
  );
}

function givenToken(options: ConnectionOptions, client: ClientConfig): string | undefined {
  if (options.tokenFile !== undefined) return readToken(options.tokenFile);
  if (client.token !== undefined) return client.token;
  return client.tokenFile === undefined ? undefined : readToken(client.tokenFile);
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new ConfigError(
      `the token in ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

function open(baseUrl: string, token: string | undefined): Connection {
  const client = new Glovebox({
    ...{ baseUrl, fetch: checkedFetch(baseUrl) },
    ...(token !== undefined && { token }),
  });
  return { client, url: baseUrl };
}

function withAdvice<T>(advice: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${error.message}; ${advice}`);
  }
}
