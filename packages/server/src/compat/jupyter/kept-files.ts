/**
 * A restart of a kernel, which in Jupyter keeps the files beside it. Here another sandbox takes the place of the one that
 * had them, so they wait meanwhile: in memory where they are small, and in a session of their own where they are not.
 */

import { randomUUID } from "node:crypto";
import type { Desk } from "../../desk/desk.js";
import type { SessionDesk } from "../../desk/session-desk.js";
import type { Visit } from "../../desk/visit.js";
import { ServiceError } from "../../errors.js";
import type { FileEntry } from "../../sandbox/files.js";
import type { ReadingFiles } from "../../sessions/changing-files.js";

const ENTRIES_MAX = 10_000;
const HELD_BYTES_MAX = 4 * 2 ** 20;
const NOTHING = { limits: {}, ttl: undefined, mounts: undefined, packages: undefined };

/** @throws ServiceError those of SessionDesk, and where a second sandbox is needed, of Desk.create */
export async function resetKeepingFiles(
  desk: Desk,
  visit: Visit,
  sessionId: string,
): Promise<void> {
  const session = desk.session(visit, sessionId);
  const entries = await session.readFiles(listAll);
  const bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (entries.length === 0) await session.reset();
  else if (bytes <= HELD_BYTES_MAX) await resetHolding(session, entries);
  else await resetMoving(desk, visit, session, entries);
}

/** Folders, and files that are no links. */
async function listAll(files: ReadingFiles | undefined): Promise<FileEntry[]> {
  if (!files) return [];
  const { entries, truncated } = await files.list("", { recursive: true, entriesMax: ENTRIES_MAX });
  if (truncated) {
    throw new ServiceError(
      "REQUEST_TOO_LARGE",
      `There are more than ${ENTRIES_MAX} files to keep.`,
      {
        hint: "Delete some, or begin afresh without any: POST /sessions/{id}/reset.",
      },
    );
  }
  return entries.filter(({ kind }) => kind === "file" || kind === "directory");
}

async function resetHolding(session: SessionDesk, entries: readonly FileEntry[]): Promise<void> {
  const held = new Map<string, Buffer[]>();
  await session.readFiles(async (files) => {
    for (const { path, kind } of entries) {
      if (files && kind === "file") held.set(path, await all(bytesOf(files, path)));
    }
  });
  await session.reset();
  await fill(session, entries, (path) => held.get(path) ?? []);
}

async function resetMoving(
  desk: Desk,
  visit: Visit,
  session: SessionDesk,
  entries: readonly FileEntry[],
): Promise<void> {
  const { id } = await desk.create(visit, { id: randomUUID(), ...NOTHING });
  const aside = desk.session(visit, id);
  try {
    await copy(session, aside, entries);
    await session.reset();
    await copy(aside, session, entries);
  } finally {
    await aside.end("its files were put back");
  }
}

function copy(from: SessionDesk, to: SessionDesk, entries: readonly FileEntry[]): Promise<void> {
  return from.readFiles(async (files) => {
    if (files) await fill(to, entries, (path) => bytesOf(files, path));
  });
}

async function fill(
  session: SessionDesk,
  entries: readonly FileEntry[],
  pieces: (path: string) => Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  await session.addFiles(async (files) => {
    for (const { path, kind } of entries) if (kind === "directory") await files.makeDirectory(path);
    const writer = files.write();
    try {
      for (const { path, kind } of entries) {
        if (kind !== "file") continue;
        writer.next(path);
        for await (const piece of pieces(path)) await writer.write(piece);
      }
      await writer.commit();
    } finally {
      writer.abort();
    }
  });
}

async function* bytesOf(files: ReadingFiles, path: string): AsyncGenerator<Buffer> {
  const file = await files.open(path);
  yield* file.read(0, file.sizeBytes) as AsyncIterable<Buffer>;
}

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}
