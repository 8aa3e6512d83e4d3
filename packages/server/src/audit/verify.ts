/** Checks a chain from its files alone. Reads them as hostile. */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import type { AuditFile } from "./files.js";
import { GENESIS, type SealedRecord, unseal } from "./record.js";

export type BreakKind = "modified" | "removed" | "inserted" | "reordered" | "torn";

export interface ChainBreak {
  readonly file: string;
  readonly line: number;
  readonly kind: BreakKind;
  readonly detail: string;
}

export interface Verdict {
  /** How many are good, up to the break if there is one. */
  readonly records: number;
  readonly first: SealedRecord | undefined;
  readonly last: SealedRecord | undefined;
  readonly break: ChainBreak | undefined;
  readonly recoveries: number;
  readonly lost: number;
  /** Whether the hash that was asked for is one of the chain. */
  readonly contains: boolean;
}

export interface VerifyOptions {
  /** Whether these are all files there are, so that the beginning can be judged. */
  readonly complete: boolean;
  /** A head that was noted earlier. */
  readonly hash?: string | undefined;
}

interface Line {
  readonly file: string;
  readonly number: number;
  /** Latin-1. */
  readonly text: string;
  /** False for the last line of a file that has no end of line. */
  readonly ended: boolean;
}

/** No record comes near to it; what is longer is given out in pieces, which are no records. */
const LINE_LENGTH_MAX = 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** A file with so many pieces in a row is read no further: one without content can have any length. */
const PIECES_MAX = 16;

/** @param files in their order @throws when a file cannot be read */
export function verifyChain(
  files: readonly Pick<AuditFile, "path">[],
  options: VerifyOptions,
): Verdict {
  const lines = readLines(files.map(({ path }) => path));
  const newest = basename(files.at(-1)?.path ?? "");
  let records = 0;
  let first: SealedRecord | undefined;
  let last: SealedRecord | undefined;
  let lastLine: Line | undefined;
  let broken: ChainBreak | undefined;
  let oldestSeq = 1;
  let recoveries = 0;
  let lost = 0;
  let contains = options.hash === undefined;

  for (const line of lines) {
    const record = line.ended ? unseal(line.text) : undefined;
    if (!record || !follows(record, last)) {
      broken = explain({ line, record, last, lastLine, newest, rest: lines });
      break;
    }
    records++;
    first ??= record;
    oldestSeq = Math.max(oldestSeq, record.oldestSeq ?? 1);
    if (record.event === "recovered") recoveries++;
    lost += record.lost;
    contains ||= record.hash === options.hash || record.prev === options.hash;
    last = record;
    lastLine = line;
  }
  if (!broken && options.complete && first) broken = missingBeginning(first, oldestSeq, files);
  return { records, first, last, break: broken, recoveries, lost, contains };
}

/** The first record that is there may be any: what came before it may have been removed by age. */
function follows(record: SealedRecord, last: SealedRecord | undefined): boolean {
  if (last) return record.seq === last.seq + 1 && record.prev === last.hash;
  return record.seq > 1 || record.prev === GENESIS;
}

/** The last rotation says from which record on everything is kept. */
function missingBeginning(
  first: SealedRecord,
  oldestSeq: number,
  files: readonly Pick<AuditFile, "path">[],
): ChainBreak | undefined {
  if (first.seq <= oldestSeq) return undefined;
  return {
    file: basename(files[0]?.path ?? ""),
    line: 1,
    kind: "removed",
    detail: `records ${oldestSeq} to ${first.seq - 1} are missing, and no rotation has removed them`,
  };
}

interface Finding {
  readonly line: Line;
  /** Undefined where the line is not what its own hash says. */
  readonly record: SealedRecord | undefined;
  readonly last: SealedRecord | undefined;
  readonly lastLine: Line | undefined;
  readonly newest: string;
  readonly rest: Iterable<Line>;
}

/** What has happened to the chain at the first line that does not continue it. */
function explain({ line, record, last, lastLine, newest, rest }: Finding): ChainBreak {
  const at = (where: Line, kind: BreakKind, detail: string): ChainBreak => ({
    file: where.file,
    line: where.number,
    kind,
    detail,
  });
  if (!line.ended && line.file === newest) {
    return at(
      line,
      "torn",
      "the last line has no end, as a crash leaves it; the next start says so in a record and goes on",
    );
  }
  const seq = (last?.seq ?? 0) + 1;
  const continued = () => last !== undefined && someFollows(rest, last);
  if (!record) {
    return continued()
      ? at(line, "inserted", `the line is no record, and record ${seq} comes after it`)
      : at(line, "modified", "the line is not what its own hash says");
  }
  if (record.seq === seq && lastLine) {
    return at(
      lastLine,
      "modified",
      `record ${seq} follows another record ${seq - 1} than this one`,
    );
  }
  if (record.seq === seq) return at(line, "modified", "the first record has one before it");
  if (record.seq < seq) {
    return at(line, "inserted", `record ${record.seq} stands after record ${seq - 1}`);
  }
  return continued()
    ? at(
        line,
        "reordered",
        `record ${record.seq} stands where record ${seq} should, which comes later`,
      )
    : at(line, "removed", `records ${seq} to ${record.seq - 1} are missing before this one`);
}

function someFollows(lines: Iterable<Line>, last: SealedRecord): boolean {
  for (const line of lines) {
    const record = unseal(line.text);
    if (record && follows(record, last)) return true;
  }
  return false;
}

function* readLines(paths: readonly string[]): IterableIterator<Line> {
  for (const path of paths) yield* readLinesOf(path);
}

function* readLinesOf(path: string): IterableIterator<Line> {
  const file = basename(path);
  const descriptor = openPlainFile(path);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let number = 0;
    let held = "";
    for (let inARow = 0; inARow < PIECES_MAX; ) {
      const read = readSync(descriptor, chunk, 0, chunk.length, null);
      if (read === 0) break;
      const pieces = (held + chunk.toString("latin1", 0, read)).split("\n");
      held = pieces.pop() ?? "";
      if (held.length > LINE_LENGTH_MAX) {
        pieces.push(held);
        held = "";
        inARow++;
      } else if (pieces.length > 0) inARow = 0;
      for (const text of pieces) yield { file, number: ++number, text, ended: true };
    }
    if (held !== "") yield { file, number: ++number, text: held, ended: false };
  } finally {
    closeSync(descriptor);
  }
}

/** The directory is the service user's, who could leave a link or a pipe for root to open. */
function openPlainFile(path: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(`${path} is not a plain file`);
}
