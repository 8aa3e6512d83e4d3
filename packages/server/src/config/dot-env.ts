import { ConfigError } from "./config-error.js";
import { readTrustedFile } from "./trusted-place.js";

const WHAT_TO_DO =
  "it is read as root, so it must be root's own, in a folder that only root can write: chown and chmod both, remove the file, or start elsewhere with the variables in the environment";

/**
 * Read `.env` in the format of docker and systemd: NAME=value lines, `#` comments, optional quotes.
 * @throws ConfigError when others could have written it
 */
export function readDotEnv(path: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [index, line] of textOf(path).split("\n").entries()) {
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

/** Others than its owner may read it: it need not hold secrets. */
function textOf(path: string): string {
  try {
    return readTrustedFile(path, { secret: false }) ?? "";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${error.message}; ${WHAT_TO_DO}`);
  }
}

/** What stands in quotes, or else before a comment. */
function readValue(raw: string): string {
  const quoted = /^(['"])(.*)\1\s*(?:#.*)?$/.exec(raw)?.[2];
  if (quoted !== undefined) return quoted;
  const comment = /\s#/.exec(raw)?.index ?? raw.length;
  return raw.slice(0, comment).trimEnd();
}
