/** The admin token's file: made at first start, readable by root alone. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
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
  if (!/^[\x21-\x7e]{16,512}$/.test(readFileSync(config.tokenFile, "utf8").trim())) {
    throw new ConfigError(
      `${config.tokenFile} must hold a token of 16 to 512 printable characters; delete it to get a new one`,
    );
  }
  return `in ${config.tokenFile}`;
}
