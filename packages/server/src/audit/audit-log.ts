/**
 * The audit log. A record is sealed into the chain at once, which takes some microseconds, and waits
 * in memory for its batch; one batch is written at a time, off the path of requests.
 *
 * When the disk is slow or full, requests are served and records wait, up to a bound. Beyond it they
 * are counted instead, and the count becomes a record as soon as there is room: somebody who fills
 * the disk shall neither stop the service nor make a gap that does not show. An operator who
 * prefers no work to work without a record sets AUDIT_REQUIRED.
 */

import { type FileHandle, rm } from "node:fs/promises";
import type { Audit, AuditEvent, AuditFields } from "./audit.js";
import { type AuditFile, auditFile, createAuditFile, type OpenFile, resumeChain } from "./files.js";
import { type Head, seal } from "./record.js";

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

interface Rotation {
  /** With the new file, which is the last. */
  readonly kept: readonly AuditFile[];
  readonly leaving: readonly AuditFile[];
}

const FLUSH_EVERY_MS = 100;
const FLUSH_BYTES = 64 * 1024;
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
const RETRY_MS = 1000;

export class AuditLog implements Audit {
  readonly enabled = true;
  readonly #options: AuditLogOptions;
  readonly #queueBytesMax: number;
  #head: Head;
  #files: readonly AuditFile[];
  #open: OpenFile | undefined;
  /** Lines that wait, and the number of the first of them. */
  #queue: string[] = [];
  #queueBytes = 0;
  #queueFirstSeq: number;
  /** The batch in hand; it stays until it has been written, whatever fails in between. */
  #batch: Buffer | undefined;
  #batchFirstSeq = 0;
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
    this.#queueFirstSeq = head.seq + 1;
    this.#files = files;
    this.#open = open;
  }

  get available(): boolean {
    // Half of the queue is for the records of work that was let in before.
    const ok = !this.#failing && this.#queueBytes < this.#queueBytesMax / 2;
    return ok || !this.#options.required;
  }

  record(event: AuditEvent, fields: AuditFields): void {
    if (this.#queueBytes >= this.#queueBytesMax) {
      this.#lost++;
      return;
    }
    this.#append(event, fields);
    if (this.#failing) return;
    if (this.#queueBytes >= FLUSH_BYTES) this.#flush();
    else this.#flushIn(FLUSH_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#writing;
    this.#flush();
    await this.#writing;
    clearTimeout(this.#timer);
    const lost = this.#lost + this.#head.seq + 1 - this.#firstUnwrittenSeq();
    if (lost > 0) this.#options.onLost(lost);
    await this.#close(this.#open?.handle);
    this.#open = undefined;
  }

  #firstUnwrittenSeq(): number {
    return this.#batch ? this.#batchFirstSeq : this.#queueFirstSeq;
  }

  #append(event: AuditEvent, fields: AuditFields): void {
    const { line, head } = seal(this.#head, event, fields);
    this.#head = head;
    this.#queue.push(line);
    this.#queueBytes += line.length + 1;
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
        if (this.#queueBytes < FLUSH_BYTES && !this.#stopping) return;
      }
    } catch (error) {
      if (!this.#failing) this.#options.onFailing(error);
      this.#failing = true;
    }
  }

  #takeBatch(): Buffer {
    if (this.#lost > 0) this.#tellLost();
    if (!this.#open || this.#open.bytes >= this.#options.fileBytesMax) this.#planRotation();
    const batch = Buffer.from(`${this.#queue.join("\n")}\n`);
    this.#batchFirstSeq = this.#queueFirstSeq;
    this.#queueFirstSeq = this.#head.seq + 1;
    this.#queue = [];
    this.#queueBytes = 0;
    return batch;
  }

  /** Those that are lost came after those that wait. */
  #tellLost(): void {
    this.#options.onLost(this.#lost);
    this.#append("records_lost", { lost: this.#lost });
    this.#lost = 0;
  }

  /** A record says where the chain begins from now on, so that nobody else can shorten it unseen. */
  #planRotation(): void {
    const kept = [...this.#files, auditFile(this.#options.directory, this.#queueFirstSeq)];
    const leaving = kept.splice(0, Math.max(0, kept.length - this.#options.filesKept));
    const oldest = kept[0];
    if (this.#files.length > 0 && oldest) this.#append("rotated", { oldest_seq: oldest.firstSeq });
    this.#rotation = { kept, leaving };
  }

  /** Write at a place of our own choosing, so that a batch of which a part was written is repeated. */
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

  /** What was written has been counted as written; that it may not last is all there is to say. */
  async #close(handle: FileHandle | undefined): Promise<void> {
    try {
      await handle?.sync();
      await handle?.close();
    } catch (error) {
      this.#options.onFailing(error);
    }
  }
}
