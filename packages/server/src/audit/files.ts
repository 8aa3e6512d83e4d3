/**
 * The files of a chain. Each is named by the number of its first record, so their order is the order
 * of their names and none is ever renamed.
 */

import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../config.js";
import { GENESIS, type Head, sha256, unseal } from "./record.js";

export interface AuditFile {
  readonly path: string;
  readonly firstSeq: number;
}

export interface OpenFile {
  readonly file: AuditFile;
  readonly handle: FileHandle;
  /** How many are good. */
  bytes: number;
}

/** Where writing goes on. */
export interface Resumed {
  readonly head: Head;
  readonly files: readonly AuditFile[];
  /** The newest file, if there is one. */
  readonly open: OpenFile | undefined;
  /** What a crash has left of a last line. It is cut off; a record has to say so. */
  readonly torn: { readonly bytes: number; readonly hash: string } | undefined;
}

const NAME = /^audit-(\d{12})\.jsonl$/;
/** More than any record has. */
const TAIL_BYTES = 64 * 1024;

export function auditFile(directory: string, firstSeq: number): AuditFile {
  return { path: join(directory, `audit-${String(firstSeq).padStart(12, "0")}.jsonl`), firstSeq };
}

/** Oldest first. */
export async function listAuditFiles(directory: string): Promise<AuditFile[]> {
  const names = (await readdir(directory)).sort();
  return names.flatMap((name) => {
    const firstSeq = Number(NAME.exec(name)?.[1]);
    return Number.isNaN(firstSeq) ? [] : [{ path: join(directory, name), firstSeq }];
  });
}

/** @throws when it exists */
export function createAuditFile({ path }: AuditFile): Promise<FileHandle> {
  return open(path, "wx", 0o600);
}

/**
 * Find the end of the chain, and cut off what a crash has left half-written.
 * @throws ConfigError when the end is not one that this program leaves
 */
export async function resumeChain(directory: string): Promise<Resumed> {
  await mkdir(directory, { mode: 0o700, recursive: true });
  const files = await listAuditFiles(directory);
  const newest = files.at(-1);
  if (!newest) return { head: { seq: 0, hash: GENESIS }, files, open: undefined, torn: undefined };
  const handle = await openOwn(newest, constants.O_RDWR);
  try {
    const { size } = await handle.stat();
    const tail = await readTail(handle, size);
    const good = tail.lastIndexOf("\n") + 1;
    if (good === 0 && size > TAIL_BYTES) throw damaged(newest);
    const head = good > 0 ? lastHead(tail.slice(0, good), newest) : await headBefore(newest, files);
    const rest = tail.slice(good);
    const bytes = size - rest.length;
    const torn = { bytes: rest.length, hash: sha256(Buffer.from(rest, "latin1")) };
    if (rest !== "") await handle.truncate(bytes);
    const open = { file: newest, handle, bytes };
    return { head, files, open, torn: rest === "" ? undefined : torn };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openOwn({ path }: AuditFile, access: number): Promise<FileHandle> {
  try {
    return await open(path, access | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${path} cannot be opened (${code}); it must be a file of SERVICE_USER`);
  }
}

async function readTail(handle: FileHandle, size: number): Promise<string> {
  const length = Math.min(size, TAIL_BYTES);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString("latin1", 0, bytesRead);
}

/** @param lines whole ones, the first of them perhaps cut at its beginning */
function lastHead(lines: string, file: AuditFile): Head {
  const record = unseal(lines.slice(lines.lastIndexOf("\n", lines.length - 2) + 1, -1));
  if (!record) throw damaged(file);
  return { seq: record.seq, hash: record.hash };
}

/** The newest file has no whole line yet: the end of the chain is that of the file before. */
async function headBefore(newest: AuditFile, files: readonly AuditFile[]): Promise<Head> {
  const before = files.at(-2);
  if (!before && newest.firstSeq === 1) return { seq: 0, hash: GENESIS };
  if (!before) throw damaged(newest);
  const handle = await openOwn(before, constants.O_RDONLY);
  try {
    const tail = await readTail(handle, (await handle.stat()).size);
    if (!tail.endsWith("\n")) throw damaged(before);
    const head = lastHead(tail, before);
    if (head.seq + 1 !== newest.firstSeq) throw damaged(newest);
    return head;
  } finally {
    await handle.close();
  }
}

function damaged({ path }: AuditFile): ConfigError {
  return new ConfigError(
    `the audit log is damaged at the end of ${path}; \`glovebox audit verify\` says more; keep the directory elsewhere to begin a new chain, or set AUDIT=off`,
  );
}
