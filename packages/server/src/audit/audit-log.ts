/**
 * The audit log. A record waits in memory for its batch. A batch is sealed into the chain as a whole,
 * off the path of requests, where its code is warm and no request waits; one batch is written at a time.
 *
 * When the disk is slow or full, requests are served and records wait, up to a bound. Beyond it they
 * are counted instead, and the count becomes a record as soon as there is room: somebody who fills
 * the disk shall neither stop the service nor make a gap that does not show. An operator who
 * prefers no work to work without a record sets AUDIT_REQUIRED.
 */

import { type FileHandle, rm } from "node:fs/promises";
import type { Audit, AuditEvent, AuditFields } from "./audit.js";
import { type AuditFile, auditFile, createAuditFile, type OpenFile, resumeChain } from "./files.js";
import { type Head, seal, sha256 } from "./record.js";

export interface AuditLogOptions {
  readonly directory: string;
  /** A file that has reached this is followed by another. */
  readonly fileBytesMax: number;
  /** Files to keep, the one that is written to included. */
  readonly filesKept: number;
  /** Whether work is to be refused while records cannot be written. */
  readonly required: boolean;
  /** Called once when writing begins to fail. */
  readonly onFailing: (error: unknown) => void;
  /** Called with how many records were lost, when writing goes on or ends. */
  readonly onLost: (count: number) => void;
  /** Bytes of records that may wait. */
  readonly queueBytesMax?: number;
}

interface Waiting {
  readonly timeMs: number;
  readonly event: AuditEvent;
  readonly fields: AuditFields;
  readonly code?: string | undefined;
}

interface Rotation {
  /** With the new file, which is the last. */
  readonly kept: readonly AuditFile[];
  readonly leaving: readonly AuditFile[];
}

const FLUSH_EVERY_MS = 100;
const FLUSH_BYTES = 64 * 1024;
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** What a line takes, roughly: names of keys and sessions are bounded. */
const RECORD_BYTES = 640;
/** Longer code is hashed at once. */
const CODE_KEPT_CHARACTERS = 16_384;
const RETRY_MS = 1000;

export class AuditLog implements Audit {
  readonly enabled = true;
  readonly #options: AuditLogOptions;
  readonly #queueBytesMax: number;
  #head: Head;
  #files: readonly AuditFile[];
  #open: OpenFile | undefined;
  /** What waits, in order, without its place in the chain. */
  #queue: Waiting[] = [];
  #queueCodeBytes = 0;
  /** The batch in hand; it stays until it has been written, whatever fails in between. */
  #batch: Buffer | undefined;
  #batchRecords = 0;
  #lost = 0;
  #failing = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** To a new file, with the batch in hand. */
  #rotation: Rotation | undefined;

  /** @throws ConfigError when what is there does not end as this program leaves it */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const { head, files, open, torn } = await resumeChain(options.directory);
    const log = new AuditLog(options, head, files, open);
    if (torn) log.record("recovered", { torn_bytes: torn.bytes, torn_sha256: torn.hash });
    return log;
  }

  private constructor(
    options: AuditLogOptions,
    head: Head,
    files: readonly AuditFile[],
    open: OpenFile | undefined,
  ) {
    this.#options = options;
    this.#queueBytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;
    this.#head = head;
    this.#files = files;
    this.#open = open;
  }

  get available(): boolean {
    // Half of the queue is for the records of work that was let in before.
    const ok = !this.#failing && this.#queueBytes() < this.#queueBytesMax / 2;
    return ok || !this.#options.required;
  }

  record(event: AuditEvent, fields: AuditFields, code?: string): void {
    if (this.#queueBytes() >= this.#queueBytesMax) {
      this.#lost++;
      return;
    }
    // Long code is not kept: it would fill the queue in place of records.
    const later = code !== undefined && code.length <= CODE_KEPT_CHARACTERS;
    this.#queue.push({
      timeMs: Date.now(),
      event,
      fields: code === undefined || later ? fields : { ...fields, ...describeCode(code) },
      code: later ? code : undefined,
    });
    if (later) this.#queueCodeBytes += code.length;
    if (this.#failing) return;
    if (this.#queueBytes() >= FLUSH_BYTES) this.#flush();
    else this.#flushIn(FLUSH_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#writing;
    this.#flush();
    await this.#writing;
    clearTimeout(this.#timer);
    const unwritten = this.#queue.length + (this.#batch ? this.#batchRecords : 0);
    const lost = this.#lost + unwritten;
    if (lost > 0) this.#options.onLost(lost);
    await this.#close(this.#open?.handle);
    this.#open = undefined;
  }

  #queueBytes(): number {
    return this.#queue.length * RECORD_BYTES + this.#queueCodeBytes;
  }

  #flushIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), ms).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeBatches().finally(() => {
      this.#writing = undefined;
      if (this.#failing) this.#flushIn(RETRY_MS);
      else if (this.#queue.length > 0) this.#flushIn(FLUSH_EVERY_MS);
    });
  }

  /** Write what waits, and what has come meanwhile if it is worth a batch of its own. */
  async #writeBatches(): Promise<void> {
    try {
      while (this.#batch || this.#queue.length > 0) {
        this.#batch ??= this.#takeBatch();
        await this.#write(this.#batch);
        this.#batch = undefined;
        this.#failing = false;
        if (this.#queueBytes() < FLUSH_BYTES && !this.#stopping) return;
      }
    } catch (error) {
      if (!this.#failing) this.#options.onFailing(error);
      this.#failing = true;
    }
  }

  #takeBatch(): Buffer {
    if (this.#lost > 0) this.#tellLost();
    if (!this.#open || this.#open.bytes >= this.#options.fileBytesMax) this.#planRotation();
    let text = "";
    for (const { timeMs, event, fields, code } of this.#queue) {
      const all = code === undefined ? fields : { ...fields, ...describeCode(code) };
      const { line, head } = seal(this.#head, timeMs, event, all);
      this.#head = head;
      text += `${line}\n`;
    }
    this.#batchRecords = this.#queue.length;
    this.#queue = [];
    this.#queueCodeBytes = 0;
    return Buffer.from(text);
  }

  /** Those that are lost came after those that wait. */
  #tellLost(): void {
    this.#options.onLost(this.#lost);
    this.#queue.push({ timeMs: Date.now(), event: "records_lost", fields: { lost: this.#lost } });
    this.#lost = 0;
  }

  /** A record says where the chain begins from now on, so that it cannot be shortened unseen. */
  #planRotation(): void {
    const kept = [...this.#files, auditFile(this.#options.directory, this.#head.seq + 1)];
    const leaving = kept.splice(0, Math.max(0, kept.length - this.#options.filesKept));
    const oldest = kept[0];
    if (this.#files.length > 0 && oldest) {
      const fields = { oldest_seq: oldest.firstSeq };
      this.#queue.push({ timeMs: Date.now(), event: "rotated", fields });
    }
    this.#rotation = { kept, leaving };
  }

  /** Write at a place of our own choosing, so that a batch that was half written is repeated. */
  async #write(batch: Buffer): Promise<void> {
    const open = await this.#fileToWrite();
    let written = 0;
    while (written < batch.length) {
      const left = batch.length - written;
      const { bytesWritten } = await open.handle.write(batch, written, left, open.bytes + written);
      written += bytesWritten;
    }
    open.bytes += batch.length;
    if (this.#rotation) await this.#finishRotation(this.#rotation);
  }

  async #fileToWrite(): Promise<OpenFile> {
    const wanted = this.#rotation?.kept.at(-1) ?? this.#open?.file;
    if (!wanted) throw new Error("a batch has no file to go to");
    if (this.#open?.file === wanted) return this.#open;
    const full = this.#open;
    this.#open = { file: wanted, handle: await createAuditFile(wanted), bytes: 0 };
    await this.#close(full?.handle);
    return this.#open;
  }

  /** The batch with the record of the rotation is written, so the old files may go. */
  async #finishRotation({ kept, leaving }: Rotation): Promise<void> {
    this.#rotation = undefined;
    this.#files = kept;
    for (const { path } of leaving) await rm(path, { force: true }).catch(this.#options.onFailing);
  }

  /** The batch counts as written; all that can be said is that it may not last. */
  async #close(handle: FileHandle | undefined): Promise<void> {
    try {
      await handle?.sync();
      await handle?.close();
    } catch (error) {
      this.#options.onFailing(error);
    }
  }
}

function describeCode(code: string): AuditFields {
  return { code_sha256: sha256(code), code_bytes: Buffer.byteLength(code) };
}
