/**
 * Remembers a panic until an admin lets work in again: a crash or a restart in between must not
 * open the door by itself. May import nothing of ours.
 */

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";

export interface PanicNote {
  /** ISO 8601. */
  readonly since: string;
  readonly reason: string;
}

export class PanicLatch {
  readonly #path: string;
  #note: PanicNote | null;

  /** `path` is a file in a directory that this process can write. */
  constructor(path: string) {
    this.#path = path;
    this.#note = readNote(path);
  }

  /** Why nothing runs, or null. */
  get note(): PanicNote | null {
    return this.#note;
  }

  /** Holds at once in this process; the file is written before this returns. @throws Error of the file system */
  set(reason: string): PanicNote {
    const note = { since: new Date().toISOString(), reason };
    this.#note = note;
    const draft = `${this.#path}.new`;
    const file = openSync(draft, "w", 0o600);
    try {
      writeSync(file, `${JSON.stringify(note)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.#path);
    return note;
  }

  clear(): void {
    rmSync(this.#path, { force: true });
    this.#note = null;
  }
}

function readNote(path: string): PanicNote | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const { since, reason } = JSON.parse(text) as Partial<PanicNote>;
    return { since: String(since), reason: String(reason) };
  } catch {
    // Someone has touched it. That there was a panic is what matters.
    return { since: new Date(0).toISOString(), reason: `${path} is not readable` };
  }
}
