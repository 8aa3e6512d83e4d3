/**
 * A session's files for callers that change them: every change asks first whether it may still be made, in the turn
 * in which it is, and is told afterwards. There is no other way to change them, so no route can forget either.
 */

import type { FileWriter, SandboxFiles, WrittenFile } from "../sandbox/files.js";

/** What a caller has changed. Names, never contents. */
export interface ChangedFile {
  readonly change: "created" | "replaced" | "renamed" | "deleted" | "folder_made";
  readonly path: string;
  readonly to?: string;
  readonly bytes?: number;
}

export type ToldOfChange = (changed: ChangedFile) => void;

/** What changes nothing. */
export type ReadingFiles = Pick<SandboxFiles, "list" | "open" | "archive" | "watch">;

export class ChangingFiles {
  readonly #files: SandboxFiles;
  readonly #admit: () => void;
  readonly #told: ToldOfChange;

  /** `admit` throws the ServiceError that refuses a change. */
  constructor(files: SandboxFiles, admit: () => void, told: ToldOfChange) {
    this.#files = files;
    this.#admit = admit;
    this.#told = told;
  }

  /** Asked before the first byte and again at the commit, which may come much later. */
  write(): FileWriter {
    this.#admit();
    const writer = this.#files.write();
    return {
      next: (path, sizeBytes) => writer.next(path, sizeBytes),
      write: (data) => writer.write(data),
      commit: () => this.#commit(writer),
      abort: () => writer.abort(),
    };
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.#admit();
    const created = await this.#files.makeDirectory(path);
    if (created) this.#told({ change: "folder_made", path });
    return created;
  }

  async rename(path: string, to: string, overwrite: boolean): Promise<void> {
    this.#admit();
    await this.#files.rename(path, to, overwrite);
    this.#told({ change: "renamed", path, to });
  }

  async remove(path: string, recursive: boolean): Promise<void> {
    this.#admit();
    await this.#files.remove(path, recursive);
    this.#told({ change: "deleted", path });
  }

  async #commit(writer: FileWriter): Promise<readonly WrittenFile[]> {
    this.#admit();
    const written = await writer.commit();
    for (const { path, sizeBytes, created } of written) {
      this.#told({ change: created ? "created" : "replaced", path, bytes: sizeBytes });
    }
    return written;
  }
}
