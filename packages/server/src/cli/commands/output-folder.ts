/**
 * Where files from a sandbox are saved. Their names were chosen by untrusted code, so nothing of a
 * name leads out of the folder, through a link, or over what a shell or an editor reads by itself.
 */

import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { lstat, mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
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

export class OutputFolder {
  readonly directory: string;
  readonly #saved = new Set<string>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Saves the bytes under this path, at once and whole: what breaks off leaves nothing behind.
   * @returns the path on this machine
   * @throws RefusedName
   */
  async save(remotePath: string, bytes: ReadableStream<Uint8Array>): Promise<string> {
    try {
      const path = await this.#placeFor(safeParts(remotePath));
      await writeWhole(path, bytes);
      return path;
    } catch (error) {
      await bytes.cancel().catch(() => {});
      throw error;
    }
  }

  async #placeFor(parts: readonly string[]): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    let path = this.directory;
    for (const part of parts.slice(0, -1)) {
      path = join(path, part);
      await makeDirectory(path);
    }
    path = join(path, parts.at(-1) ?? "");
    if (this.#saved.has(path)) throw new RefusedName("another file was saved under this name");
    const existing = await lstat(path).catch(() => undefined);
    if (existing?.isDirectory()) throw new RefusedName("a folder has this name here");
    this.#saved.add(path);
    return path;
  }
}

/** A folder, and no link to one: a link would lead out. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  if (!(await lstat(path)).isDirectory())
    throw new RefusedName("a part of the path is no folder here");
}

/** To a place that the caller named: links are followed, and a device or a pipe is written to. */
export async function writeTo(path: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing === undefined) await writeWhole(path, bytes);
  else if (existing.isFile()) await writeWhole(await realpath(path), bytes);
  else await pipeline(readable(bytes), createWriteStream(path));
}

/** Into a file of its own that then takes the name: rename replaces a link and never follows it. */
async function writeWhole(path: string, bytes: ReadableStream<Uint8Array>): Promise<void> {
  const partial = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    await pipeline(readable(bytes), createWriteStream(partial, { flags: "wx" }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function readable(bytes: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(bytes as Parameters<typeof Readable.fromWeb>[0]);
}
