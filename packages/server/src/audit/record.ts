/**
 * One record is one line of JSON that carries the hash of the line before and, last, its own: the
 * SHA-256 of its bytes without the field `hash`. So there is no second form to agree on; what is
 * checked is what stands in the file.
 */

import * as crypto from "node:crypto";
import type { AuditEvent, AuditFields } from "./audit.js";

/** What the first record of a chain has as `prev`. */
export const GENESIS = "0".repeat(64);

/** A place in the chain: the record that comes next has `prev` = `hash` and the following number. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export interface SealedRecord extends Head {
  readonly prev: string;
  readonly time: string;
  readonly event: string;
  /** In a record `rotated`: where the chain begins once old files are removed. */
  readonly oldestSeq: number | undefined;
  /** In a record `records_lost`. */
  readonly lost: number;
}

/** Node has the short way, which makes no object, since 20.12. */
export function sha256(data: string | Buffer): string {
  return crypto.hash
    ? crypto.hash("sha256", data, "hex")
    : crypto.createHash("sha256").update(data).digest("hex");
}

/** The line of the record after `head`, without its end of line, and the new head. */
export function seal(
  head: Head,
  timeMs: number,
  event: AuditEvent,
  fields: AuditFields,
): { line: string; head: Head } {
  const seq = head.seq + 1;
  const time = new Date(timeMs).toISOString();
  const text = JSON.stringify({ seq, time, prev: head.hash, event, ...fields });
  const hash = sha256(text);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}`, head: { seq, hash } };
}

const SEALED = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * Read a line back. Undefined if it is not what its own hash says, or no record at all.
 * @param line its bytes as Latin-1, so that each of them counts
 */
export function unseal(line: string): SealedRecord | undefined {
  const [, text = "", hash = ""] = SEALED.exec(line) ?? [];
  if (text === "" || sha256(Buffer.from(`${text}}`, "latin1")) !== hash) return undefined;
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(`${text}}`);
  } catch {
    return undefined;
  }
  const { seq, time, prev, event } = fields;
  if (!isCount(seq) || typeof prev !== "string" || typeof event !== "string") return undefined;
  if (typeof time !== "string" || !TIME.test(time)) return undefined;
  const oldest = fields["oldest_seq"];
  const lost = fields["lost"];
  return {
    ...{ seq, hash, prev, time, event },
    oldestSeq: event === "rotated" && isCount(oldest) ? oldest : undefined,
    lost: event === "records_lost" && isCount(lost) ? lost : 0,
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
