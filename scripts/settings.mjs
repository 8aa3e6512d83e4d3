/** Where set-up reads and writes. The server reads the same variables from the same two places. */
import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./process.mjs";

export const repositoryDir = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {{stateDir: string, rootfsDir: string, mirror: string | undefined}} */
export function readSettings(environment = process.env, dotenvPath = ".env") {
  const variables = { ...readDotenv(dotenvPath), ...environment };
  const stateDir = resolve(variables.STATE_DIR || "/var/lib/glovebox");
  return {
    stateDir,
    rootfsDir: resolve(variables.ROOTFS_DIR || join(stateDir, "rootfs")),
    mirror: variables.DEBIAN_MIRROR || undefined,
  };
}

function readDotenv(path) {
  if (!existsSync(path)) return {};
  const problem = distrustOf(path);
  if (problem === undefined) return parseDotenv(readFileSync(path, "utf8"));
  throw new SetupError(
    `${resolve(path)} is not trusted: ${problem}.`,
    "it is read as root: make it root's own, in a folder that only root can write, or remove it.",
  );
}

/** As the server judges it, which reads the same file after set-up. */
function distrustOf(path) {
  const file = join(realpathSync(dirname(resolve(path))), basename(path));
  const names = file.split(sep).filter(Boolean);
  for (let count = 0; count <= names.length; count++) {
    const part = sep + names.slice(0, count).join(sep);
    const { uid, mode } = lstatSync(part);
    if (uid !== 0 && uid !== process.geteuid()) return `${part} belongs to another user`;
    if (count === names.length && !lstatSync(part).isFile()) return "it is a link, or no file";
    const isSafe = (mode & 0o1000) !== 0 && count < names.length - 1;
    if ((mode & 0o022) !== 0 && !isSafe) return `others can write ${part}`;
  }
  return undefined;
}

/** NAME=value lines, with optional quotes; Node's own parser came after the oldest Node allowed. */
export function parseDotenv(text) {
  const variables = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const quoted = /^(["'])(.*)\1$/.exec(match[2]);
    variables[match[1]] = quoted === null ? match[2].replace(/\s+#.*$/, "") : quoted[2];
  }
  return variables;
}
