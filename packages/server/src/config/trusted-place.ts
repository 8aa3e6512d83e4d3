/**
 * Files that are trusted because only root, or the user who runs this, can have written them. A file
 * that others can write could choose where a secret goes, or what root does.
 */

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { ConfigError } from "./config-error.js";

const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077;
const STICKY = 0o1000;
/** No file that is read here is longer. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface FileTrust {
  /** Others may not be able to read it either. */
  readonly secret: boolean;
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/**
 * Why others could change what lies in this folder; undefined when they cannot. Folders further up
 * count as well: who can write one can exchange this folder.
 * @throws when there is no such folder
 */
export function distrustOfFolder(folder: string): string | undefined {
  const real = realpathSync(folder);
  const names = real.split(sep).filter(Boolean);
  for (let count = 0; count <= names.length; count++) {
    const path = sep + names.slice(0, count).join(sep);
    const { uid, mode } = lstatSync(path);
    if (!isTrusted(uid)) return `${path} belongs to another user (uid ${uid})`;
    // In a sticky folder others can only make new names, and what is below has an owner of its own.
    const isSafe = (mode & STICKY) !== 0 && count < names.length;
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && !isSafe) return `others can write ${path}`;
  }
  return undefined;
}

/**
 * The text of a file that is believed; undefined when there is none.
 * @throws ConfigError when others could have written it, or read it where it is a secret
 */
export function readTrustedFile(path: string, trust: FileTrust): string | undefined {
  const whole = resolve(path);
  let descriptor: number;
  try {
    const folder = realpathSync(dirname(whole));
    const real = join(folder, basename(whole));
    if (lstatSync(real, { throwIfNoEntry: false }) === undefined) return undefined;
    refuse(whole, distrustOfFolder(folder));
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    descriptor = openSync(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") return refuse(whole, "it is a link");
    throw error;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) return refuse(whole, "it is no file");
    if (!isTrusted(status.uid)) {
      return refuse(whole, `it belongs to another user (uid ${status.uid})`);
    }
    if ((status.mode & WRITABLE_BY_OTHERS) !== 0) return refuse(whole, "others can write it");
    if (trust.secret && (status.mode & OPEN_TO_OTHERS) !== 0) {
      return refuse(whole, `others can read it; chmod 600 ${whole}`);
    }
    if (status.size > FILE_BYTES_MAX) return refuse(whole, "it is too large");
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

function refuse(path: string, reason: string | undefined): undefined {
  if (reason !== undefined) throw new ConfigError(`${path} is not trusted: ${reason}`);
  return undefined;
}

/** Replaces the file, or a link, in one step. All may read it. */
export function writeTrustedFile(path: string, text: string): void {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(aside, text, { flag: "wx", mode: 0o644 });
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}
