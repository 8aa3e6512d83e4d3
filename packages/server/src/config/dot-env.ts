import { existsSync, readFileSync } from "node:fs";
import { ConfigError } from "./config-error.js";

/** Read `.env` in the format of docker and systemd: NAME=value lines, `#` comments, optional quotes. */
export function readDotEnv(path: string): Record<string, string> {
  const values: Record<string, string> = {};
  if (!existsSync(path)) return values;
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const [beginning, name] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(text) ?? [];
    if (beginning === undefined || name === undefined) {
      throw new ConfigError(`.env line ${index + 1} is not NAME=value`);
    }
    values[name] = readValue(text.slice(beginning.length).trim());
  }
  return values;
}

/** What stands in quotes, or else before a comment. */
function readValue(raw: string): string {
  const quoted = /^(['"])(.*)\1\s*(?:#.*)?$/.exec(raw)?.[2];
  if (quoted !== undefined) return quoted;
  const comment = /\s#/.exec(raw)?.index ?? raw.length;
  return raw.slice(0, comment).trimEnd();
}
