/** Where set-up reads and writes. The server reads the same variables from the same two places. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

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
  try {
    return parseDotenv(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
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
