/** Bodies that are files. They are passed on as they come, and appear when the last byte has. */

import type { IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  Busboy,
  type BusboyFileStream,
  type BusboyHeaders,
  type BusboyInstance,
} from "@fastify/busboy";
import type { FastifyRequest } from "fastify";
import { checkName, joinPath } from "../../desk/paths.js";
import { ServiceError } from "../../errors.js";
import type { FileWriter } from "../../sandbox/files.js";

/** Nothing at all for so long, or less than this much in a second, is no upload. */
const IDLE_MS = 30_000;
const GRACE_MS = 60_000;
const BYTES_PER_SECOND_MIN = 1024;
const FILES_MAX = 1000;
const FIELDS_MAX = 100;
/** What is parsed before anybody looks whether there are too many parts: it may hold thousands. */
const PIECE_BYTES = 16_384;
/** After less than this, what else comes in the same turn is taken with it: each piece on its way has its price. */
const SMALL_BYTES = 4096;
/** A parser that is not kept waiting goes on at once, or never. */
const STUCK_MS = 2000;

/** @throws ServiceError FILE_TOO_LARGE by what the client announces, before anything is read */
export function checkLength({ headers }: FastifyRequest, bytesMax: number): number {
  const length = Number(headers["content-length"] ?? 0);
  if (length > bytesMax) throw tooLarge(bytesMax);
  return length;
}

function tooLarge(bytesMax: number): ServiceError {
  const message = `more than ${bytesMax} bytes, which is the size of a workspace (MAX_WORKSPACE_MB)`;
  return new ServiceError("FILE_TOO_LARGE", message);
}

/** A body of one file. @throws ServiceError */
export async function receiveFile(
  request: FastifyRequest,
  writer: FileWriter,
  bytesMax: number,
): Promise<void> {
  let left = bytesMax;
  await readBody(request.raw, async (chunk) => {
    left -= chunk.length;
    if (left < 0) throw tooLarge(bytesMax);
    await writer.write(chunk);
  });
}

/** Hand on chunk by chunk. The body stays readable when `take` fails. @throws ServiceError */
async function readBody(body: IncomingMessage, take: (chunk: Buffer) => Promise<void>) {
  const startedAt = performance.now();
  let received = 0;
  body.setTimeout(IDLE_MS, () => body.destroy());
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      received += chunk.length;
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > GRACE_MS + (received / BYTES_PER_SECOND_MIN) * 1000) {
        throw new ServiceError("INVALID_REQUEST", "The body came too slowly.");
      }
      await take(chunk);
      if (chunk.length < SMALL_BYTES) await nextTurn();
    }
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError("TRANSFER_INTERRUPTED"); // The client has gone and will not read this.
  } finally {
    body.setTimeout(0);
  }
  if (!body.complete) throw new ServiceError("TRANSFER_INTERRUPTED");
}

/** A multipart body: every part with a file name goes into the folder. @throws ServiceError */
export async function receiveForm(
  request: FastifyRequest,
  folder: string,
  writer: FileWriter,
  bytesMax: number,
): Promise<void> {
  const parser = openParser(request);
  let failure: unknown;
  let left = bytesMax;
  let files = 0;
  let isReceiving = false;
  let last: Promise<void> = Promise.resolve();

  async function receivePart(part: BusboyFileStream, name: string): Promise<void> {
    isReceiving = true;
    try {
      if (++files > FILES_MAX) throw tooMany();
      writer.next(joinPath(folder, checkName(name)));
      for await (const chunk of part as AsyncIterable<Buffer>) {
        left -= chunk.length;
        if (left < 0) throw tooLarge(bytesMax);
        await writer.write(chunk);
      }
    } catch (error) {
      failure ??= error;
      part.resume();
    } finally {
      isReceiving = false;
    }
  }

  /** The parser never gets past a large part that it skips, such as one without a name. */
  async function unlessStuck(progress: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stuck = new Promise<never>((_, reject) => {
      timer = setInterval(() => {
        if (!isReceiving) reject(failure ?? malformed("a part has no name, or an odd one"));
      }, STUCK_MS);
    });
    await Promise.race([progress, parsed, stuck]).finally(() => clearInterval(timer));
  }

  parser.on("file", (_field, part, name) => {
    part.on("error", (error) => (failure ??= error));
    // Browsers send an empty part for a field where nothing was chosen.
    const isChosen = name !== undefined && name !== "";
    last = last.then(() => (failure || !isChosen ? void part.resume() : receivePart(part, name)));
  });
  parser.on("partsLimit", () => (failure ??= tooMany()));
  const parsed = new Promise<void>((resolve, reject) => {
    parser.on("finish", resolve);
    parser.on("error", (error) => reject(malformed((error as Error).message)));
  });
  parsed.catch((error) => (failure ??= error));
  await readBody(request.raw, async (chunk) => {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      if (!parser.write(chunk.subarray(at, at + PIECE_BYTES)))
        await unlessStuck(drained(parser)).catch((error) => (failure ??= error));
      if (failure) throw asServiceError(failure);
    }
  });
  parser.end();
  await unlessStuck(parsed);
  await last;
  if (failure) throw asServiceError(failure);
  if (files === 0) throw malformed("there is no part with a file name");
}

function openParser({ headers }: FastifyRequest): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      preservePath: true,
      // Also of parts that are neither a file nor a field, which take time all the same.
      limits: {
        ...{ fieldSize: 1024, fields: FIELDS_MAX, headerPairs: 50 },
        parts: FILES_MAX + FIELDS_MAX,
      },
    });
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

function drained(stream: BusboyInstance): Promise<void> {
  return new Promise((resolve) => stream.once("drain", () => resolve()));
}

function malformed(problem: string): ServiceError {
  return new ServiceError("INVALID_REQUEST", `The form cannot be read: ${problem}`, {
    hint: "Send multipart/form-data, a part with a file name for each file: curl -F file=@data.csv",
  });
}

function tooMany(): ServiceError {
  return new ServiceError("FILE_TOO_LARGE", `more than ${FILES_MAX} files in one form`, {
    hint: "Send them in several requests.",
  });
}

function asServiceError(failure: unknown): ServiceError {
  return failure instanceof ServiceError ? failure : malformed((failure as Error).message);
}
