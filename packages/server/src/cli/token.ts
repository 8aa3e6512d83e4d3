/** The admin token's file: made at first start, readable by root alone. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readTrustedFile } from "../config/trusted-place.js";
import { type Config, ConfigError } from "../config.js";

/** Make the token if there is none. Returns a sentence that says where it lies, never what it is. */
export function ensureToken(config: Config): string {
  if (config.auth === "none") return "none is needed (AUTH=none)";
  if (config.token !== undefined) return "as given in AUTH_TOKEN";
  if (!existsSync(config.tokenFile)) {
    mkdirSync(dirname(config.tokenFile), { recursive: true });
    writeFileSync(config.tokenFile, `${randomBytes(32).toString("base64url")}\n`, {
      mode: 0o600,
      flag: "wx",
    });
  }
  readTokenFile(config.tokenFile);
  return `in ${config.tokenFile}`;
}

/**
 * A file that others can write or read holds no token, nor does one that holds something else: it
 * would be sent to a server.
 * @throws ConfigError that says nothing of what is in it
 */
export function readTokenFile(path: string): string {
  let text: string | undefined;
  try {
    text = readTrustedFile(path, { secret: true });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      `the admin token in ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  if (text === undefined) throw new ConfigError(`there is no admin token in ${path}`);
  const token = text.trim();
  if (/^[\x21-\x7e]{16,512}$/.test(token)) return token;
  throw new ConfigError(
    `${path} must hold a token of 16 to 512 printable characters; delete it to get a new one`,
  );
}
