/** One file from a server: continued where it was left, checked, and only then given its name. */

import { statfsSync } from "node:fs";
import type { OpenFolder } from "../open-folder.js";
import type { DownloadProgress } from "./download-progress.js";
import { DataFailure } from "./failure.js";
import { inPlace, lookAt, type Place } from "./names.js";
import { digestOf, PartFile, type Version } from "./part-file.js";
import { ReadAhead } from "./read-ahead.js";
import { request, SILENCE_MS_MAX, type Source, shown, Transient, withRetries } from "./requests.js";

/** What the finished file has to be, as far as that is known beforehand. */
export interface Expectation {
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
  /** Git's name for the content, for files whose SHA-256 is not told. */
  readonly gitBlob?: string | undefined;
}

export interface Download {
  readonly source: Source;
  /** The folder that everything is downloaded to. */
  readonly base: string;
  /** Names below it, already found to be safe. */
  readonly segments: readonly string[];
  readonly expected: Expectation;
  readonly signal: AbortSignal;
  readonly progress: DownloadProgress;
  /** For tests: the first pause between two attempts. */
  readonly pauseFirstMs?: number;
}

/** Resolves with the path, and whether it was there already. @throws DataFailure */
export async function download(wanted: Download): Promise<{ path: string; wasThere: boolean }> {
  return inPlace(wanted.base, wanted.segments, (place, base) => downloadTo(place, base, wanted));
}

async function downloadTo(
  { folder, name, path }: Place,
  base: OpenFolder,
  wanted: Download,
): Promise<{ path: string; wasThere: boolean }> {
  const { segments, expected, progress, signal } = wanted;
  const place = folder.at(name);
  if (lookAt(place)) {
    if (await isAsExpected(place, expected)) return { path, wasThere: true };
    throw new DataFailure(
      isCheckable(expected)
        ? `${path} is there already and is another file; remove it, or choose another place`
        : `${path} is there already; remove it, choose another --name, or give its --sha256`,
    );
  }
  const part = await PartFile.open(base, segments);
  try {
    progress.begin(segments.join("/"), expected.size);
    const say = (line: string) => progress.say(line);
    await withRetries(() => fetchRest(wanted, part), {
      signal,
      say,
      progress: () => part.size,
      ...(wanted.pauseFirstMs === undefined ? {} : { pauseFirstMs: wanted.pauseFirstMs }),
    });
    await check(part, expected, shown(wanted.source.url));
    await part.finish(place, path);
    progress.done(part.size);
    return { path, wasThere: false };
  } finally {
    await part.close();
  }
}

/** Append what is missing; begin anew where the server has something else now. */
async function fetchRest(wanted: Download, part: PartFile): Promise<void> {
  const { source, expected } = wanted;
  const { version, offset } = whereToGoOn(source, part);
  if (offset > 0 && offset === expected.size) return;
  const range =
    offset > 0 && version?.validator
      ? { range: `bytes=${offset}-`, "if-range": version.validator }
      : undefined;
  const answer = await request(source, range ?? {}, wanted.signal, [200, 206, 416]);
  const body = new ReadAhead(answer.body as ReadableStream<Uint8Array> | null);
  try {
    await takeOver(answer, body, wanted, part, range === undefined ? 0 : offset);
  } catch (error) {
    // Settled by the next attempt, if there is one; this one is not read any further.
    body.cancel();
    throw error;
  }
}

/** Append the body to the part, from `asked` on or from the beginning. @throws DataFailure, Transient */
async function takeOver(
  answer: Response,
  body: ReadAhead,
  wanted: Download,
  part: PartFile,
  asked: number,
): Promise<void> {
  const { source, expected } = wanted;
  const encoding = answer.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new DataFailure(`${shown(source.url)} sends the file compressed, unasked`);
  }
  const start = await startOf(answer, part, asked);
  const length = Number(answer.headers.get("content-length") ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : start + length;
  if (expected.size !== undefined && total !== undefined && total !== expected.size) {
    throw new DataFailure(
      `${shown(source.url)} has ${total} bytes instead of ${expected.size}; it has been changed`,
    );
  }
  if (start === 0) {
    await part.restart({ url: addressOf(source), validator: validatorOf(answer) });
  }
  refuseWithoutRoom(wanted.base, total === undefined ? undefined : total - start);
  await appendBody(body, part, wanted, expected.size ?? total);
}

function whereToGoOn(
  source: Source,
  part: PartFile,
): { version: Version | undefined; offset: number } {
  const version = part.version();
  // Bytes without a validator, or of another address, cannot be told from wrong ones.
  const fits = version?.url === addressOf(source) && version.validator !== null;
  return { version, offset: fits ? part.size : 0 };
}

function addressOf({ url }: Source): string {
  return `${url.origin}${url.pathname}`;
}

/** Where in the file the body begins, which is where the part ends or its beginning. @throws Transient */
async function startOf(answer: Response, part: PartFile, asked: number): Promise<number> {
  if (answer.status === 200) return 0;
  const [, from] =
    /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(answer.headers.get("content-range") ?? "") ?? [];
  const sameVersion = asked > 0 && part.version()?.validator === validatorOf(answer);
  if (answer.status === 206 && Number(from) === asked && sameVersion) return asked;
  // Nothing of what is there can be trusted; the next attempt asks for all of it.
  await part.restart({ url: "", validator: null });
  throw new Transient("the server cannot go on with this file, which begins anew");
}

function validatorOf({ headers }: Response): string | null {
  const tag = headers.get("etag");
  if (tag !== null && /^"[\x21\x23-\x7e]{1,500}"$/.test(tag)) return tag;
  return headers.get("last-modified");
}

async function appendBody(
  body: ReadAhead,
  part: PartFile,
  { signal, progress, source }: Download,
  sizeMax: number | undefined,
): Promise<void> {
  for (;;) {
    const piece = await inTime(body.next(), signal);
    if (piece === undefined) break;
    if (sizeMax !== undefined && part.size + piece.length > sizeMax) {
      throw new DataFailure(`${shown(source.url)} sends more than the ${sizeMax} bytes it has`);
    }
    await append(part, piece);
    progress.at(part.size, sizeMax);
  }
  if (sizeMax !== undefined && part.size < sizeMax) {
    throw new Transient(`${shown(source.url)} ended after ${part.size} of ${sizeMax} bytes`);
  }
}

/** A read that is not interrupted and does not take for ever. @throws Transient */
async function inTime<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let interrupt: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    interrupt = () => reject(signal.reason);
    signal.addEventListener("abort", interrupt, { once: true });
    timer = setTimeout(() => reject(new Transient("the server has fallen silent")), SILENCE_MS_MAX);
  });
  try {
    return await Promise.race([read, stopped]);
  } catch (error) {
    if (error === signal.reason || error instanceof Transient) throw error;
    throw new Transient(`the connection broke: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
    if (interrupt) signal.removeEventListener("abort", interrupt);
  }
}

async function append(part: PartFile, chunk: Uint8Array): Promise<void> {
  try {
    await part.append(chunk);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw new DataFailure(message);
    throw new DataFailure("the disk is full; make room and run the same command again to go on");
  }
}

function refuseWithoutRoom(base: string, bytes: number | undefined): void {
  if (bytes === undefined) return;
  const { bavail, bsize } = statfsSync(base);
  if (bytes <= bavail * bsize) return;
  throw new DataFailure(`${base} has room for ${bavail * bsize} bytes, and ${bytes} are to come`);
}

function isCheckable({ sha256, gitBlob }: Expectation): boolean {
  return sha256 !== undefined || gitBlob !== undefined;
}

async function isAsExpected(path: string, expected: Expectation): Promise<boolean> {
  if (!isCheckable(expected)) return false;
  const size = lookAt(path)?.size ?? 0;
  if (expected.size !== undefined && size !== expected.size) return false;
  return (await differing(size, expected, (...how) => digestOf(path, ...how))) === undefined;
}

async function check(part: PartFile, expected: Expectation, what: string): Promise<void> {
  const found = await differing(part.size, expected, (...how) => part.digest(...how));
  if (found === undefined) return;
  part.discard();
  throw new DataFailure(
    `${what} does not have the expected checksum, but ${found}; it was removed`,
  );
}

/** The checksum that was found in place of the expected one, if any. */
async function differing(
  size: number,
  { sha256, gitBlob }: Expectation,
  digest: (algorithm: "sha256" | "sha1", prefix?: string) => Promise<string>,
): Promise<string | undefined> {
  if (sha256 !== undefined) {
    const found = await digest("sha256");
    return found === sha256 ? undefined : found;
  }
  if (gitBlob === undefined) return undefined;
  const found = await digest("sha1", `blob ${size}\0`);
  return found === gitBlob ? undefined : found;
}
