/** Files between this machine and a session, with a bar on a terminal. */

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { GloveboxError, type Session, type WrittenFile } from "@glovebox/sdk";
import { printable } from "../terminal/escape-filter.js";
import { ProgressBar } from "../terminal/progress-bar.js";
import type { FileArgument } from "./file-argument.js";
import { type OutputFolder, RefusedName, safeParts } from "./output-folder.js";

export function upload(
  session: Session,
  { localPath, name, size }: FileArgument,
  signal: AbortSignal,
): Promise<WrittenFile> {
  return uploadBytes(session, name, createReadStream(localPath), size, signal);
}

export async function uploadBytes(
  session: Session,
  name: string,
  source: Readable,
  size: number | undefined,
  signal: AbortSignal,
): Promise<WrittenFile> {
  const progress = new ProgressBar(process.stderr, `up ${printable(name)}`, size);
  try {
    const bytes = Readable.toWeb(source) as ReadableStream<Uint8Array>;
    return await session.files.write(name, counted(bytes, progress), { signal });
  } finally {
    progress.end();
  }
}

/** Hands the bytes of a remote file to `take`, and shows how many have come. */
export async function download<T>(
  session: Session,
  path: string,
  signal: AbortSignal,
  take: (bytes: ReadableStream<Uint8Array>) => Promise<T>,
): Promise<T> {
  // The size is only worth a request where it is shown.
  const size = process.stderr.isTTY ? (await session.files.stat(path, { signal })).size : undefined;
  const progress = new ProgressBar(process.stderr, `down ${printable(path)}`, size);
  try {
    return await take(counted(await session.files.readStream(path, { signal }), progress));
  } finally {
    progress.end();
  }
}

export interface SavedFile {
  readonly path: string;
  readonly saved_as: string;
}

export interface SavedFiles {
  readonly saved: readonly SavedFile[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/** Saves what code has made. A name that is not safe here is told of, and does not end the command. */
export async function saveAll(
  session: Session,
  paths: readonly string[],
  folder: OutputFolder,
  signal: AbortSignal,
): Promise<SavedFiles> {
  const saved: SavedFile[] = [];
  const refused: { path: string; reason: string }[] = [];
  for (const path of paths) {
    try {
      safeParts(path);
      const savedAs = await download(session, path, signal, (bytes) => folder.save(path, bytes));
      saved.push({ path, saved_as: savedAs });
    } catch (error) {
      if (!isAboutTheFile(error)) throw error;
      refused.push({ path, reason: error.message.replace(/\.$/, "") });
    }
  }
  return { saved, refused };
}

/** Saves what has been read already. */
export async function saveOne(
  path: string,
  text: string,
  folder: OutputFolder,
): Promise<SavedFiles> {
  try {
    const savedAs = await folder.save(path, new Blob([text]).stream());
    return { saved: [{ path, saved_as: savedAs }], refused: [] };
  } catch (error) {
    if (!(error instanceof RefusedName)) throw error;
    return { saved: [], refused: [{ path, reason: error.message }] };
  }
}

/** A dead link, a name that no URL can hold, a file that has gone since: the others are saved all the same. */
function isAboutTheFile(error: unknown): error is Error {
  if (error instanceof RefusedName) return true;
  if (!GloveboxError.isInstance(error) || error.code === "SESSION_NOT_FOUND") return false;
  return error.code === "INVALID_PATH" || [403, 404, 409].includes(error.status ?? 0);
}

export function reportSaved({ saved, refused }: SavedFiles): void {
  for (const { saved_as } of saved) process.stderr.write(`[file: ${printable(saved_as)}]\n`);
  for (const { path, reason } of refused) {
    process.stderr.write(`[file not saved: ${printable(path)}: ${reason}]\n`);
  }
}

function counted(
  bytes: ReadableStream<Uint8Array>,
  progress: ProgressBar,
): ReadableStream<Uint8Array> {
  return bytes.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        progress.add(chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
}
