/**
 * Where files from a sandbox are saved. Their names were chosen by untrusted code, so nothing of a
 * name leads out of the folder, through a link, or over what a shell or an editor reads by itself; and
 * what is there already is replaced only where the caller says so.
 */

import { randomBytes } from "node:crypto";
import { constants, createWriteStream, existsSync, lstatSync, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { below, FolderRefused, inFolder, type OpenFolder, takeFreeName } from "../open-folder.js";
import { CommandError } from "./command.js";

/** This file is not saved; the message says why. */
export class RefusedName extends CommandError {}

/**
 * The parts of a remote path, each safe as a name on this machine.
 * @throws RefusedName
 */
export function safeParts(remotePath: string): string[] {
  const parts = remotePath.split("/");
  for (const part of parts) {
    if (part === "" || part === "." || part === "..")
      throw new RefusedName("the path is not plain");
    // .bashrc, .git/hooks, .env: what programs read without being asked to.
    if (part.startsWith(".")) throw new RefusedName("hidden files are left out");
  }
  return parts.map(escapeName);
}

/** As in a URL: no control character, and nothing that turns the direction of writing, is in a name. */
function escapeName(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu, encodeURIComponent);
}

export interface Replacing {
  /** Whether files that are there already are replaced. */
  readonly force: boolean;
}

export class OutputFolder {
  readonly directory: string;
  readonly force: boolean;
  /** By device and inode: names that differ only in case may be one. */
  readonly #saved = new Set<string>();

  constructor(directory: string, { force }: Replacing) {
    this.directory = directory;
    this.force = force;
  }

  /** Of these paths, those that are taken here already. */
  taken(remotePaths: readonly string[]): string[] {
    return remotePaths.filter((path) => isSafe(path) && isThere(this.#local(safeParts(path))));
  }

  /**
   * Saves the bytes under this path, at once and whole: what breaks off leaves nothing behind.
   * @returns the path on this machine
   * @throws RefusedName
   */
  async save(remotePath: string, bytes: ReadableStream<Uint8Array>): Promise<string> {
    try {
      const parts = safeParts(remotePath);
      const name = parts.at(-1) ?? "";
      await inFolder(this.directory, (base) =>
        below(base, parts.slice(0, -1), (folder) => this.#saveIn(folder, name, bytes)).catch(
          refuseOne,
        ),
      );
      return this.#local(parts);
    } catch (error) {
      await bytes.cancel().catch(() => {});
      throw error;
    }
  }

  async #saveIn(
    folder: OpenFolder,
    name: string,
    bytes: ReadableStream<Uint8Array>,
  ): Promise<void> {
    this.#refuseTaken(folder, name);
    await writeWhole(folder, name, bytes, this).catch((error: NodeJS.ErrnoException) => {
      // It has appeared meanwhile.
      if (error.code === "EEXIST") this.#refuseTaken(folder, name);
      throw error;
    });
    this.#saved.add(identityOf(folder.at(name)) ?? "");
  }

  #refuseTaken(folder: OpenFolder, name: string): void {
    const identity = identityOf(folder.at(name));
    if (identity === undefined) return;
    if (this.#saved.has(identity)) throw new RefusedName("another file was saved under this name");
    if (lstatSync(folder.at(name)).isDirectory()) {
      throw new RefusedName("a folder has this name here");
    }
    if (!this.force) throw new RefusedName(`it is here already; ${FORCE_REPLACES}`);
  }

  #local(parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }
}

export const FORCE_REPLACES = "--force replaces it";

function isSafe(remotePath: string): boolean {
  try {
    return safeParts(remotePath).length > 0;
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A part of the way is no folder, or the name is too long: told when it is saved.
    return false;
  }
}

function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/** What is wrong with one file's name keeps no other from being saved. */
function refuseOne(error: unknown): never {
  if (error instanceof FolderRefused) throw new RefusedName("a part of the path is no folder here");
  if ((error as NodeJS.ErrnoException).code === "ENAMETOOLONG") {
    throw new RefusedName("the name is too long here");
  }
  throw error;
}

/** To a place that the caller named: links of the caller's own are followed, devices and pipes written to. */
export async function writeTo(
  path: string,
  bytes: ReadableStream<Uint8Array>,
  replacing: Replacing,
): Promise<void> {
  const place = resolve(path);
  const existing = statSync(place, { throwIfNoEntry: false });
  if (existing?.isDirectory()) throw new CommandError(`${path} is a folder`);
  if (existing !== undefined && !existing.isFile()) return writeInto(place, bytes);
  if (!existsSync(dirname(place))) throw new CommandError(`there is no folder ${dirname(place)}`);
  if (existing !== undefined && !replacing.force) {
    throw new CommandError(`${path} is here already; ${FORCE_REPLACES}`);
  }
  const name = basename(place);
  await inFolder(dirname(place), async (folder) => {
    const target = folder.linkOfOurs(name);
    if (target === undefined) await writeWhole(folder, name, bytes, replacing);
    else await writeTo(resolve(folder.path, target), bytes, replacing);
  });
}

/** Opened without making or emptying anything: it may have become a file since it was looked at. */
async function writeInto(path: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const handle = await open(path, constants.O_WRONLY);
  try {
    if ((await handle.stat()).isFile()) throw new CommandError(`${path} has become a file`);
    await pipeline(readable(bytes), handle.createWriteStream());
  } finally {
    await handle.close();
  }
}

/** Into a file of its own, which then takes the name. A link of that name is never followed. */
async function writeWhole(
  folder: OpenFolder,
  name: string,
  bytes: ReadableStream<Uint8Array>,
  { force }: Replacing,
): Promise<void> {
  const partial = folder.at(`.glovebox-${randomBytes(8).toString("hex")}.part`);
  try {
    await pipeline(readable(bytes), createWriteStream(partial, { flags: "wx" }));
    if (force) await rename(partial, folder.at(name));
    else await takeFreeName(partial, folder.at(name));
  } finally {
    await rm(partial, { force: true });
  }
}

function readable(bytes: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(bytes as Parameters<typeof Readable.fromWeb>[0]);
}
