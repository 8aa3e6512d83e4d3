/**
 * The folders of DATA_MOUNTS and WHEEL_DIR as they are on the host when the server starts: whether
 * each may be shared at all, and whose it is.
 */

import { existsSync, realpathSync, type Stats, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type DataMount, WHEELS_MOUNT } from "../config/data-mounts.js";
import { type Config, ConfigError, DOT_ENV } from "../config.js";

/** What enter-rootfs.sh is told of one folder. */
export interface SharedFolder {
  readonly mount: DataMount;
  /** Without links. */
  readonly path: string;
  /** NAME:ro|rw:UID:GID:DEVICE:INODE, for the script and the keeper. */
  readonly description: string;
}

/** Too much of the host to share as a whole. */
const FORBIDDEN = ["/", "/home", "/root", "/var", "/var/lib", "/var/tmp", "/tmp", "/opt", "/srv"];
/** Nothing at or below these is data. */
const FORBIDDEN_TREES = ["/etc", "/proc", "/sys", "/dev", "/boot", "/run", "/var/run", "/usr"];
const PROGRAM = realpathSync(fileURLToPath(new URL("../..", import.meta.url)));

/** @throws ConfigError that names the variable and what is wrong */
export function findSharedFolders(config: Config): SharedFolder[] {
  return config.mounts.map((mount) => findFolder(mount, config));
}

function findFolder(mount: DataMount, config: Config): SharedFolder {
  const what = mount.name === WHEELS_MOUNT ? "WHEEL_DIR" : `DATA_MOUNTS: ${mount.name}`;
  const { path, status } = look(what, mount.path);
  const problem = placeProblem(path, config);
  if (problem !== undefined) {
    throw new ConfigError(`${what}: ${shown(mount.path, path)} ${problem} and cannot be shared`);
  }
  if (mount.writable && (status.uid === 0 || status.gid === 0)) {
    throw new ConfigError(
      `${what}: ${path} belongs to root, whose files no sandbox may write; share it :ro, or give it to a user: chown -R USER:GROUP ${path}`,
    );
  }
  const { uid, gid, dev, ino } = status;
  const mode = mount.writable ? "rw" : "ro";
  return { mount, path, description: [mount.name, mode, uid, gid, dev, ino].join(":") };
}

function look(what: string, given: string): { path: string; status: Stats } {
  let path: string;
  let status: Stats;
  try {
    path = realpathSync(given);
    status = statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === "ENOENT" ? `${what}: there is no folder ${given}` : `${what}: ${message}`,
    );
  }
  if (!status.isDirectory()) throw new ConfigError(`${what}: ${given} is not a folder`);
  return { path, status };
}

/** The path as given stands beside it, as it may be a link. */
function shown(given: string, path: string): string {
  return given === path ? path : `${given}, which is ${path},`;
}

function placeProblem(path: string, config: Config): string | undefined {
  if (FORBIDDEN.includes(path)) return "is too much of the host";
  if (FORBIDDEN_TREES.some((tree) => isWithin(path, tree))) return "is a part of the system";
  const own = {
    "the state directory": config.stateDir,
    "the root file system": config.rootfsDir,
    "the token": config.tokenFile,
    "Glovebox itself": PROGRAM,
  };
  for (const [name, place] of Object.entries(own)) {
    if (isWithin(resolved(place), path)) return `holds ${name}`;
  }
  if (existsSync(DOT_ENV) && isWithin(realpathSync(DOT_ENV), path)) return "holds the file .env";
  const inside = [config.rootfsDir, config.gatewayDir].find((one) => isWithin(path, resolved(one)));
  return inside && `lies in ${inside}, which is Glovebox's own,`;
}

/** What does not exist yet has no links. */
function resolved(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function isWithin(path: string, tree: string): boolean {
  return path === tree || path.startsWith(tree === "/" ? "/" : `${tree}/`);
}

/** What the operator should know before code runs: of each folder that it can change. */
export function warnOfWritable(folders: readonly SharedFolder[]): string {
  return folders
    .filter(({ mount }) => mount.writable)
    .map(
      ({ mount, path }) =>
        `glovebox: DATA_MOUNTS: code that is run can change, delete and create files in ${path} (at /data/${mount.name}${mount.onRequest ? ", for sessions that ask for it" : ""}); it cannot reach other folders. Share it :ro unless it has to write there.\n`,
    )
    .join("");
}
