/** `glovebox data list`: the folders that are configured, as they are now. */

import { opendirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { WHEELS_MOUNT } from "../../config/data-mounts.js";
import type { Config } from "../../config.js";
import { findSharedFolders } from "../shared-folders.js";
import { formatBytes } from "../terminal/amounts.js";
import { lookAt } from "./names.js";

/** Counting more would take longer than anybody waits. */
const ENTRIES_MAX = 200_000;

export interface FolderReport {
  /** Where sandboxes see it. */
  readonly place: string;
  readonly path: string;
  readonly writable: boolean;
  readonly on_request: boolean;
  /** Null where they cannot be counted. */
  readonly files: number | null;
  readonly size_bytes: number | null;
  /** There is more than was counted. */
  readonly truncated: boolean;
  readonly free_bytes: number | null;
  /** What would keep the server from starting. */
  readonly problem: string | null;
}

export function reportFolders(config: Config): FolderReport[] {
  return config.mounts.map(({ name, path, writable, onRequest }) => ({
    place: name === WHEELS_MOUNT ? "/opt/wheels" : `/data/${name}`,
    ...{ path, writable, on_request: onRequest },
    ...contentOf(path),
    problem: problemOf(config, name),
  }));
}

export function formatFolders(folders: readonly FolderReport[]): string {
  if (folders.length === 0) {
    return "No folders are shared. DATA_MOUNTS=NAME=/host/path shows one to sandboxes.\n";
  }
  return folders.map(formatFolder).join("");
}

function formatFolder(folder: FolderReport): string {
  const access = `${folder.writable ? "rw" : "ro"}${folder.on_request ? ", on request" : ""}`;
  const lines = [`${folder.place}  ${access}  ${folder.path}`];
  if (folder.files !== null && folder.size_bytes !== null && folder.free_bytes !== null) {
    const least = folder.truncated ? "at least " : "";
    const free = `${formatBytes(folder.free_bytes)} free on its disk`;
    lines.push(`    ${least}${folder.files} files, ${formatBytes(folder.size_bytes)}; ${free}`);
  }
  if (folder.problem !== null) lines.push(`    cannot be shared: ${folder.problem}`);
  return `${lines.join("\n")}\n`;
}

function problemOf(config: Config, name: string): string | null {
  try {
    findSharedFolders({ ...config, mounts: config.mounts.filter((one) => one.name === name) });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function contentOf(path: string) {
  try {
    const { files, size, isWhole } = count(path, statSync(path).dev);
    const { bavail, bsize } = statfsSync(path);
    return { files, size_bytes: size, truncated: !isWhole, free_bytes: bavail * bsize };
  } catch {
    // What is wrong with it is told as the problem of sharing it.
    return { files: null, size_bytes: null, truncated: false, free_bytes: null };
  }
}

/** As sandboxes see it: links are not followed, nor other file systems below. */
function count(path: string, device: number) {
  const pending = [path];
  let files = 0;
  let size = 0;
  let entries = 0;
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const directory = opendirSync(folder);
    try {
      for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
        if (++entries > ENTRIES_MAX) return { files, size, isWhole: false };
        const found = lookAt(join(folder, entry.name));
        if (found?.isDirectory() && found.dev === device) pending.push(join(folder, entry.name));
        else if (found?.isFile()) {
          files++;
          size += found.size;
        }
      }
    } finally {
      directory.closeSync();
    }
  }
  return { files, size, isWhole: true };
}
