import { existsSync, readFileSync } from "node:fs";
import { ConfigError } from "./config-error.js";

/** Read `.env` in the format of docker and systemd: NAME=value lines, `#` comments, optional quotes. */
export function readDotEnv(path: string): Record<string, string> {
  const values: Record<string, string> = {};
  if (!existsSync(path)) return values;
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) throw new ConfigError(`.env line ${index + 1} is not NAME=value`);
    const [, name = "", raw = ""] = match;
    values[name] = /^(['"])(.*)\1\s*(#.*)?$/.exec(raw)?.[2] ?? raw.replace(/\s+#.*$/, "");
  }
  return values;
}
