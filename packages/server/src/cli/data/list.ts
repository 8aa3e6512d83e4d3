/** `glovebox data list`: the folders that are configured, as they are now. */

import { opendirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { WHEELS_MOUNT } from "../../config/data-mounts.js";
import type { Config } from "../../config.js";
import { findSharedFolders } from "../shared-folders.js";
import { lookAt } from "./names.js";
import { bytes } from "./progress.js";

/** Counting more would take longer than anybody waits. */
const ENTRIES_MAX = 200_000;

export async function listFolders(config: Config): Promise<string> {
  if (config.mounts.length === 0) {
    return "No folders are shared. DATA_MOUNTS=NAME=/host/path shows one to sandboxes.\n";
  }
  return config.mounts
    .map((mount) => {
      const place = mount.name === WHEELS_MOUNT ? "/opt/wheels" : `/data/${mount.name}`;
      const access = `${mount.writable ? "rw" : "ro"}${mount.onRequest ? ", on request" : ""}`;
      return `${place}  ${access}  ${mount.path}\n    ${content(mount.path)}${problem(config, mount.name)}\n`;
    })
    .join("");
}

/** What would keep the server from starting. */
function problem(config: Config, name: string): string {
  try {
    findSharedFolders({ ...config, mounts: config.mounts.filter((one) => one.name === name) });
    return "";
  } catch (error) {
    return `\n    cannot be shared: ${(error as Error).message}`;
  }
}

function content(path: string): string {
  try {
    const { files, size, isWhole } = count(path, statSync(path).dev);
    const { bavail, bsize } = statfsSync(path);
    const least = isWhole ? "" : "at least ";
    return `${least}${files} files, ${bytes(size)}; ${bytes(bavail * bsize)} free on its disk`;
  } catch (error) {
    return (error as Error).message;
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
