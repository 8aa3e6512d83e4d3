/** The lines typed in earlier `glovebox repl`s. What one types may be secret: for the user's eyes only. */

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { openFolder } from "../open-folder.js";

const LINES_MAX = 1000;
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;

export class ReplHistory {
  readonly #path: string | undefined;
  #last = "";

  /** Without a folder nothing is kept. */
  constructor(stateHome: string | undefined) {
    this.#path = stateHome && join(stateHome, "glovebox", "repl-history");
  }

  /** The newest first. A history that cannot be read is empty. */
  load(): string[] {
    if (this.#path === undefined) return [];
    try {
      return withOwnFile(this.#path, FLAGS, (file) => {
        const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
        if (lines.length > 2 * LINES_MAX) {
          ftruncateSync(file);
          writeSync(file, `${lines.slice(-LINES_MAX).join("\n")}\n`);
        }
        return lines.slice(-LINES_MAX).reverse();
      });
    } catch {
      return [];
    }
  }

  /** Keeps a line. A prompt works as well where nothing can be written, so that is no failure. */
  add(line: string): void {
    if (this.#path === undefined || line.trim() === "" || line === this.#last) return;
    this.#last = line;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      withOwnFile(this.#path, FLAGS | O_CREAT, (file) => writeSync(file, `${line}\n`));
    } catch {
      // A read-only home.
    }
  }
}

/** Neither over a link nor into a file of others, who would read what is typed. */
function withOwnFile<T>(path: string, flags: number, use: (file: number) => T): T {
  const folder = openFolder(dirname(path));
  try {
    const file = openSync(folder.at("repl-history"), flags, 0o600);
    try {
      const { uid, nlink } = fstatSync(file);
      if (uid !== process.geteuid?.() || nlink !== 1) throw new Error(`${path} is not ours`);
      fchmodSync(file, 0o600);
      return use(file);
    } finally {
      closeSync(file);
    }
  } finally {
    folder.close();
  }
}
