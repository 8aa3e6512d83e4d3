/**
 * The confinement plan: everything the privileged side needs to know to make one sandbox, decided
 * here and only re-checked there.
 */

import { WHEELS_MOUNT } from "../config/data-mounts.js";
import type { Config } from "../config.js";

/** In the wire names of the keeper, which refuses a plan with other fields. */
export interface ConfinementPlan {
  readonly memory_bytes: number;
  readonly cpu_cores: number;
  readonly processes: number;
  readonly open_files: number;
  readonly workspace_bytes: number;
  readonly workspace_inodes: number;
  readonly tmp_bytes: number;
  readonly tmp_inodes: number;
  /** Of `/tmp/home`, where packages are installed. */
  readonly home_bytes: number;
  readonly home_inodes: number;
  /** Names of the folders that every sandbox has from its beginning. The keeper knows where they are. */
  readonly mounts: readonly string[];
}

const WHEELS_PLACE = "/opt/wheels";

/** Where every sandbox has which folders, and whether each may be written: for who verifies it. */
export function foldersInside(config: Config): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    config.mounts
      .filter(({ onRequest }) => !onRequest)
      .map(({ name, writable }) => [
        name === WHEELS_MOUNT ? WHEELS_PLACE : `/data/${name}`,
        writable,
      ]),
  );
}

/** One inode for each 8 KiB: enough for small files, too few to exhaust memory by empty ones. */
const BYTES_PER_INODE = 8192;

export function planConfinement(config: Config): ConfinementPlan {
  const inodes = Math.floor(config.workspaceBytesMax / BYTES_PER_INODE);
  return Object.freeze({
    memory_bytes: config.memoryBytesMax,
    cpu_cores: config.cpuCoresMax,
    processes: config.processesMax,
    open_files: config.openFilesMax,
    workspace_bytes: config.workspaceBytesMax,
    workspace_inodes: inodes,
    tmp_bytes: config.workspaceBytesMax,
    tmp_inodes: inodes,
    home_bytes: config.packagesBytesMax,
    home_inodes: Math.floor(config.packagesBytesMax / BYTES_PER_INODE),
    mounts: config.mounts.filter(({ onRequest }) => !onRequest).map(({ name }) => name),
  });
}
