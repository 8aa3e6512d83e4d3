/** What DATA_MOUNTS and WHEEL_DIR say. Whether the folders are there is looked at when the server starts. */

import { normalize } from "node:path";
import { ConfigError } from "./config-error.js";

/** A folder of the host that sandboxes see. */
export interface DataMount {
  readonly name: string;
  /** On the host, absolute. */
  readonly path: string;
  readonly writable: boolean;
  /** Shown only to sessions that name it. */
  readonly onRequest: boolean;
}

/** No name that an operator can choose; the keeper shows it at /opt/wheels instead of below /data. */
export const WHEELS_MOUNT = ".wheels";

const MOUNTS_MAX = 16;
const NAME = /^[a-z0-9_-]{1,32}$/;
const FORM = "NAME=/host/path[:ro|rw][:ask]";
const OPTIONS: ReadonlySet<string> = new Set(["ro", "rw", "ask"]);

/** @throws ConfigError */
export function parseDataMounts(text: string): DataMount[] {
  const entries = text.split(",").map((entry) => entry.trim());
  const mounts = text.trim() === "" ? [] : entries.map(parseOne);
  if (mounts.length > MOUNTS_MAX) {
    throw new ConfigError(`DATA_MOUNTS must name at most ${MOUNTS_MAX} folders`);
  }
  const names = mounts.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ConfigError(`DATA_MOUNTS names "${twice}" twice`);
  return mounts;
}

function parseOne(entry: string): DataMount {
  const equals = entry.indexOf("=");
  if (equals < 0) throw new ConfigError(`DATA_MOUNTS must be a list of ${FORM}, not "${entry}"`);
  const name = entry.slice(0, equals).trim();
  if (!NAME.test(name)) {
    throw new ConfigError(
      `DATA_MOUNTS: the name "${name}" must be 1 to 32 of a to z, 0 to 9, _ and -`,
    );
  }
  const [path = "", ...options] = entry.slice(equals + 1).split(":");
  const wrong = options.find((option) => !OPTIONS.has(option));
  if (wrong !== undefined) {
    throw new ConfigError(`DATA_MOUNTS: ${name} has ":${wrong}", and takes :ro, :rw and :ask`);
  }
  if (options.includes("ro") && options.includes("rw")) {
    throw new ConfigError(`DATA_MOUNTS: ${name} is both :ro and :rw`);
  }
  return {
    name,
    path: absolute(`DATA_MOUNTS: the path of ${name}`, path),
    writable: options.includes("rw"),
    onRequest: options.includes("ask"),
  };
}

/** The folder of wheels as a mount of its own. @throws ConfigError */
export function wheelsMount(path: string): DataMount {
  return {
    name: WHEELS_MOUNT,
    path: absolute("WHEEL_DIR", path),
    writable: false,
    onRequest: false,
  };
}

/** Relative paths would mean another folder with each working directory. */
function absolute(what: string, path: string): string {
  if (!path.startsWith("/")) throw new ConfigError(`${what} must begin with /, and is "${path}"`);
  if (path.includes("\n")) throw new ConfigError(`${what} must be one line`);
  return normalize(path);
}
