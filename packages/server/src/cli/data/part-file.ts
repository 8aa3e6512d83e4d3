/**
 * A file that is being downloaded: its bytes so far, and beside them what they are bytes of, so that
 * another run can go on where this one was interrupted, however that happened.
 */

import { createHash } from "node:crypto";
import { constants, createReadStream, readFileSync, rmdirSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type OpenFolder, takeFreeName } from "../open-folder.js";
import { DataFailure } from "./failure.js";
import { lookAt, PARTS_DIRECTORY } from "./names.js";

/** What a server calls the bytes, to tell whether the rest is still of the same. */
export interface Version {
  readonly url: string;
  /** A strong entity tag, or when it was changed. */
  readonly validator: string | null;
}

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export class PartFile {
  readonly #base: OpenFolder;
  readonly #folder: OpenFolder;
  readonly #path: string;
  readonly #versionPath: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(
    base: OpenFolder,
    folder: OpenFolder,
    opened: { readonly name: string; readonly handle: FileHandle; readonly size: number },
  ) {
    const { name, handle, size } = opened;
    this.#base = base;
    this.#folder = folder;
    this.#path = folder.at(name);
    this.#versionPath = `${this.#path}.json`;
    this.#handle = handle;
    this.#size = size;
  }

  /** @param base the folder that is downloaded to, @param segments the finished file's names below it */
  static async open(base: OpenFolder, segments: readonly string[]): Promise<PartFile> {
    const target = `/${segments.join("/")}`;
    const name = createHash("sha256").update(target).digest("hex").slice(0, 32);
    const folder = base.enter(PARTS_DIRECTORY);
    let handle: FileHandle | undefined;
    try {
      handle = await open(folder.at(name), FLAGS, 0o644);
      const status = await handle.stat();
      const isOurs = status.isFile() && status.nlink === 1 && status.uid === process.geteuid?.();
      if (!isOurs) throw new DataFailure(`${folder.shown(name)} is not ours`);
      return new PartFile(base, folder, { name, handle, size: status.size });
    } catch (error) {
      await handle?.close();
      folder.close();
      throw folder.told(error);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** What its bytes are bytes of; undefined where that is not known, which makes them worthless. */
  version(): Version | undefined {
    if (!lookAt(this.#versionPath)?.isFile()) return undefined;
    try {
      const { url, validator } = JSON.parse(readFileSync(this.#versionPath, "utf8")) as Version;
      const isValid =
        typeof url === "string" && (validator === null || typeof validator === "string");
      return isValid ? { url, validator } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Forget all bytes and begin with those of another version. */
  async restart(version: Version): Promise<void> {
    rmSync(this.#versionPath, { force: true });
    await this.#handle.truncate(0);
    this.#size = 0;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(this.#versionPath, flags, 0o644);
    try {
      await file.writeFile(JSON.stringify(version));
    } finally {
      await file.close();
    }
  }

  async append(chunk: Uint8Array): Promise<void> {
    let written = 0;
    while (written < chunk.length) {
      const rest = chunk.length - written;
      const { bytesWritten } = await this.#handle.write(chunk, written, rest, this.#size);
      written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Digest of the whole; with `prefix` in front, as git has it for the names of its objects. */
  async digest(algorithm: "sha256" | "sha1", prefix = ""): Promise<string> {
    return digestOf(this.#path, algorithm, prefix);
  }

  /** It is complete and right: give it its name, which must be free. */
  async finish(target: string, shown: string): Promise<void> {
    await this.#handle.sync();
    await takeFreeName(this.#path, target).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "EEXIST" ? new DataFailure(`${shown} has appeared meanwhile`) : error;
    });
    rmSync(this.#path, { force: true });
    rmSync(this.#versionPath, { force: true });
  }

  /** Its bytes are wrong: leave nothing to go on with. */
  discard(): void {
    rmSync(this.#versionPath, { force: true });
    rmSync(this.#path, { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
    if (this.#size === 0) this.discard(); // There is nothing to go on with.
    try {
      rmdirSync(this.#base.at(PARTS_DIRECTORY));
    } catch {
      // Unfinished downloads remain.
    } finally {
      this.#folder.close();
    }
  }
}

export async function digestOf(
  path: string,
  algorithm: "sha256" | "sha1",
  prefix = "",
): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
