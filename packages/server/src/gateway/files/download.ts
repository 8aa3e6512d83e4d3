/** Answers that are a file or an archive. What is in them is the guest's: a browser shows it without rights. */

import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { nameOf } from "../../desk/paths.js";
import { ServiceError } from "../../errors.js";
import type { ArchiveFormat, OpenFile } from "../../sandbox/files.js";
import { contentDisposition } from "./content-disposition.js";
import { contentTypeOf } from "./content-type.js";
import { matchesEtag, parseRange } from "./range.js";

const INERT = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "private, no-cache",
} as const;
const ARCHIVE_TYPES = { tar: "application/x-tar", zip: "application/zip" } as const;

/** Resolves when all of it has been sent, or when the client has gone. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  file: OpenFile,
): Promise<void> {
  const etag = `"${file.version}"`;
  reply.headers({
    ...INERT,
    etag,
    "accept-ranges": "bytes",
    "last-modified": new Date(file.modifiedMs).toUTCString(),
  });
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    file.close();
    reply.status(304).send();
    return;
  }
  const ifRange = request.headers["if-range"];
  const isWanted = request.method === "GET" && (ifRange === undefined || ifRange === etag);
  const range = isWanted ? parseRange(request.headers.range, file.sizeBytes) : undefined;
  if (range === "unsatisfiable") {
    file.close();
    reply.header("content-range", `bytes */${file.sizeBytes}`);
    throw new ServiceError("RANGE_NOT_SATISFIABLE");
  }
  const { start, length } = range ?? { start: 0, length: file.sizeBytes };
  if (range) {
    reply.status(206);
    reply.header("content-range", `bytes ${start}-${start + length - 1}/${file.sizeBytes}`);
  }
  reply.headers({
    "content-type": contentTypeOf(path),
    "content-disposition": contentDisposition("inline", nameOf(path)),
    "content-length": length,
  });
  if (request.method === "HEAD") {
    file.close();
    reply.send();
    return;
  }
  await sendStream(reply, file.read(start, length));
}

export async function sendArchive(
  reply: FastifyReply,
  folder: string,
  format: ArchiveFormat,
  stream: Readable,
): Promise<void> {
  const name = `${folder === "" ? "workspace" : nameOf(folder)}.${format}`;
  reply.headers({
    ...INERT,
    "content-type": ARCHIVE_TYPES[format],
    "content-disposition": contentDisposition("attachment", name),
  });
  await sendStream(reply, stream);
}

async function sendStream(reply: FastifyReply, stream: Readable): Promise<void> {
  const { raw } = reply;
  reply.send(stream);
  // However it ends: a client that goes is no error.
  await finished(raw).catch(() => undefined);
  stream.destroy();
}
