/**
 * A file that is being downloaded: its bytes so far, and beside them what they are bytes of, so that
 * another run can go on where this one was interrupted, however that happened.
 */

import { createHash } from "node:crypto";
import { constants, createReadStream, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { DataFailure } from "./failure.js";
import { lookAt, makeFolder, PARTS_DIRECTORY } from "./names.js";

/** What a server calls the bytes, to tell whether the rest is still of the same. */
export interface Version {
  readonly url: string;
  /** A strong entity tag, or when it was changed. */
  readonly validator: string | null;
}

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export class PartFile {
  readonly #directory: string;
  readonly #path: string;
  readonly #versionPath: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(directory: string, name: string, handle: FileHandle, size: number) {
    this.#directory = directory;
    this.#path = join(directory, name);
    this.#versionPath = `${this.#path}.json`;
    this.#handle = handle;
    this.#size = size;
  }

  /** @param base the folder that is downloaded to, @param target the whole path of the finished file */
  static async open(base: string, target: string): Promise<PartFile> {
    const directory = join(base, PARTS_DIRECTORY);
    makeFolder(directory);
    const name = createHash("sha256").update(target.slice(base.length)).digest("hex").slice(0, 32);
    const handle = await open(join(directory, name), FLAGS, 0o644);
    const status = await handle.stat();
    if (!status.isFile() || status.nlink !== 1) {
      await handle.close();
      throw new DataFailure(`${join(directory, name)} is not ours`);
    }
    return new PartFile(directory, name, handle, status.size);
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

  /** It is complete and right: give it its name. */
  async finish(target: string): Promise<void> {
    await this.#handle.sync();
    renameSync(this.#path, target);
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
      rmdirSync(this.#directory);
    } catch {
      // Others, or this one, are to be gone on with.
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
