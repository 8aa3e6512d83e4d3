/**
 * Folders that are held open while something is written into them. Every step from the root on is
 * opened without following a link that others could have made, and what is written goes to the folder
 * that was opened, so that others cannot exchange a part of the path between a look and a write.
 */

import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { link, open, rename } from "node:fs/promises";
import { resolve, sep } from "node:path";

/** Needs no right to list a folder, only to pass through it. Linux has it, and Node no name for it. */
const O_PATH = 0o10000000;
const FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const LINKS_MAX = 40;
const WRITABLE_BY_OTHERS = 0o022;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/** A folder, or a part of the way to it, is not what it should be; the message says which. */
export class FolderRefused extends Error {}

export class OpenFolder {
  /** For messages; others may have given the name to something else meanwhile. */
  readonly path: string;
  readonly #descriptor: number;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.path = path;
  }

  /** The path of a name in this very folder, whatever its own name is by now. */
  at(name: string): string {
    return `/proc/self/fd/${this.#descriptor}/${name}`;
  }

  /** For messages. */
  shown(name: string): string {
    return `${this.path === sep ? "" : this.path}/${name}`;
  }

  /** The folder of this name in it, made if it is not there, and no link. @throws FolderRefused */
  enter(name: string): OpenFolder {
    return this.telling(() => new OpenFolder(this.#openOrMake(name), this.shown(name)));
  }

  /**
   * Where a link leads that only root and the caller can have put here; undefined for what is
   * no link. @throws FolderRefused for a link of others
   */
  linkOfOurs(name: string): string | undefined {
    const found = lstatSync(this.at(name), { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return undefined;
    const around = lstatSync(this.at("."));
    if (isClosed(around) && isOurs(around.uid) && isOurs(found.uid))
      return readlinkSync(this.at(name));
    throw new FolderRefused(
      `${this.shown(name)} is a link that others can change; name the place itself`,
    );
  }

  /** What the system says about a place in this folder is told with the folder's name. */
  telling<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.told(error);
    }
  }

  told(error: unknown): unknown {
    if (error instanceof Error) {
      error.message = error.message.replaceAll(this.at(""), this.shown(""));
    }
    return error;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #openOrMake(name: string): number {
    for (let attempt = 0; ; attempt++) {
      try {
        return openSync(this.at(name), FLAGS);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOTDIR" || code === "ELOOP") {
          throw new FolderRefused(`${this.shown(name)} is no folder, or a link`);
        }
        if (code !== "ENOENT" || attempt > 0) throw error;
      }
      makeFolder(this.at(name));
    }
  }
}

/**
 * Opens a folder by its path, and makes it and those above it where they are missing.
 * @throws FolderRefused when the way leads over a link of others
 */
export function openFolder(path: string): OpenFolder {
  const rest = partsOf(resolve(path));
  let links = 0;
  let folder = root();
  try {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      const target = folder.linkOfOurs(name);
      if (target !== undefined && ++links > LINKS_MAX) {
        throw new FolderRefused(`${path} leads over too many links`);
      }
      if (target !== undefined) rest.unshift(...partsOf(resolve(folder.path, target)));
      const next: OpenFolder = target === undefined ? folder.enter(name) : root();
      folder.close();
      folder = next;
    }
    return folder;
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** Opens a folder, uses it, and closes it. */
export async function inFolder<T>(
  path: string,
  use: (folder: OpenFolder) => Promise<T>,
): Promise<T> {
  const folder = openFolder(path);
  try {
    return await use(folder);
  } catch (error) {
    throw folder.told(error);
  } finally {
    folder.close();
  }
}

/** The same with the folder of these names below one that is open. */
export async function below<T>(
  folder: OpenFolder,
  [name, ...names]: readonly string[],
  use: (folder: OpenFolder) => Promise<T>,
): Promise<T> {
  if (name === undefined) return use(folder);
  const inside = folder.enter(name);
  try {
    return await below(inside, names, use);
  } catch (error) {
    throw inside.told(error);
  } finally {
    inside.close();
  }
}

/**
 * Gives a file a name that is free: a second name is made only where there is none, which rename
 * cannot promise. The first one may be left. @throws with code EEXIST
 */
export async function takeFreeName(partial: string, place: string): Promise<void> {
  try {
    await link(partial, place);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENAMETOOLONG") throw error;
    // Some file systems have no second names: an empty file holds the place.
    await (await open(place, "wx")).close();
    await rename(partial, place);
  }
}

function root(): OpenFolder {
  return new OpenFolder(openSync(sep, FLAGS), sep);
}

function partsOf(path: string): string[] {
  return path.split(sep).filter(Boolean);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else was faster; what they made is looked at like anything else.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Where each user has a group alone, as Debian and Ubuntu make them, it has no other member. */
function isClosed({ mode, gid }: Stats): boolean {
  const isOwnGroup = gid === process.getegid?.() && gid === process.geteuid?.();
  const others = isOwnGroup ? WRITABLE_BY_ALL : WRITABLE_BY_OTHERS;
  return (mode & others) === 0 || (mode & STICKY) !== 0;
}

function isOurs(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}
