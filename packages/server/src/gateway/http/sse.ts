/**
 * Server-sent events on one answer: ids, a heartbeat, back-pressure, and the end of a client that
 * has gone. Holds at most one event beyond what the connection's own buffer takes, and shares its bytes with
 * everybody who is sent the same event.
 */

import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { turnOfOnesOwn } from "../../sandbox/turns.js";
import { eventFrame, type LoggedEvent } from "../../sessions/logged-event.js";
import { toEventData } from "../wire/event.js";
import { holdWhileUnread, wasRead } from "./unread-answers.js";

const TYPE = "text/event-stream";
const HEADERS = {
  "content-type": `${TYPE}; charset=utf-8`,
  "cache-control": "no-store",
  // Some proxies would gather events until there are enough of them.
  "x-accel-buffering": "no",
};
const RETRY = "retry: 1000\n\n";
const HEARTBEAT = ": heartbeat\n\n";
const HEARTBEAT_MS = 15_000;
/** So much is written in one turn of the event loop. The system copies it meanwhile. */
const WRITTEN_BYTES_MAX = 512 * 1024;
/** Frames up to this length are written together, up to that much at once: each write has its price. */
const SMALL_BYTES = 4 * 1024;
const GATHERED_BYTES_MAX = 64 * 1024;
/** A client that has taken nothing for so long is taken to be gone. */
const STALLED_MS = 120_000;

/** Said by the field `stream`, or by the header where the field is absent. */
export function wantsEvents({ headers }: FastifyRequest, field: boolean | undefined): boolean {
  return field ?? headers.accept?.includes(TYPE) ?? false;
}

export interface EventStreamOptions {
  readonly heartbeatMs?: number;
  readonly stalledMs?: number;
  /** Beside those of any stream. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class EventStream {
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #stalledMs: number;
  readonly #heartbeat: NodeJS.Timeout;
  #closed = false;
  #stallTimer: NodeJS.Timeout | undefined;
  /** What is written in turns. */
  #underWay: Promise<void> | undefined;
  /** Small frames of this turn. */
  #gathered: (Buffer | string)[] = [];
  #gatheredBytes = 0;
  readonly #onClosed: (() => void)[] = [];
  readonly #onDrained: (() => void)[] = [];

  /** Answers with 200 and the headers. From here on nothing can be answered in any other way. */
  constructor(reply: FastifyReply, options: EventStreamOptions = {}) {
    reply.hijack();
    this.#reply = reply;
    this.#response = reply.raw;
    this.#stalledMs = options.stalledMs ?? STALLED_MS;
    this.#response.writeHead(200, { ...HEADERS, ...options.headers });
    this.#response.write(RETRY);
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs ?? HEARTBEAT_MS).unref();
    this.#response.once("close", () => this.#close());
    this.#response.on("drain", () => this.#goOn());
    // A write to a client that has just gone fails, which is expected; "close" follows.
    this.#response.on("error", () => undefined);
    if (this.#response.destroyed) this.#close();
  }

  /** Whether the client has gone, or the stream was ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Call `listener` when the client goes or the stream was ended; at once if that has happened. */
  onClosed(listener: () => void): void {
    if (this.#closed) listener();
    else this.#onClosed.push(listener);
  }

  /**
   * Write one event, or data alone where it has no name; the data as JSON. A caller with more awaits the promise, if
   * there is one: it resolves when the client has taken enough to go on, or has gone. What is sent meanwhile
   * comes after it.
   */
  send(event: string | undefined, data: unknown, id?: number): Promise<void> | undefined {
    return this.#sendFrame(eventFrame(event, data, id));
  }

  /** Write an event that others are sent as well, under its own number or another one. Waits as `send` does. */
  forward(event: LoggedEvent, id = event.id): Promise<void> | undefined {
    const frame = event.frame(toEventData);
    if (id === event.id) return this.#sendFrame(frame);
    return this.#sendFrame(frame, `id: ${id}\n`, event.idLength);
  }

  /** Write text that is no JSON as the data of an event without a name. */
  sendText(text: string): Promise<void> | undefined {
    return this.#sendFrame(Buffer.from(`data: ${text}\n\n`));
  }

  /** There is nothing more to say. */
  end(): void {
    if (this.#closed) return;
    if (this.#underWay) {
      void this.#underWay.then(() => this.end());
      return;
    }
    clearInterval(this.#heartbeat);
    this.#expectProgress();
    this.#writeGathered();
    this.#response.end();
  }

  /** `head` comes instead of the frame's first `skipped` bytes. Nothing comes between the pieces of a large one. */
  #sendFrame(frame: Buffer | Promise<Buffer>, head = "", skipped = 0): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const before = this.#underWay;
    if (!before && frame instanceof Buffer && frame.length <= WRITTEN_BYTES_MAX) {
      return this.#write(head, frame.subarray(skipped), frame);
    }
    const sending = (async () => {
      await before;
      await this.#writeInTurns(head, await frame, skipped);
    })();
    const settled = sending.then(done, done);
    this.#underWay = settled;
    void settled.then(() => {
      if (this.#underWay === settled) this.#underWay = undefined;
    });
    return sending;
  }

  async #writeInTurns(head: string, frame: Buffer, skipped: number): Promise<void> {
    const bytes = frame.subarray(skipped);
    for (let at = 0; at < bytes.length; at += WRITTEN_BYTES_MAX) {
      await turnOfOnesOwn();
      if (this.#closed) return;
      const piece = bytes.subarray(at, at + WRITTEN_BYTES_MAX);
      await this.#write(at === 0 ? head : "", piece, frame);
    }
  }

  /** `bytes` are of a frame that others may be sent as well. */
  #write(head: string, bytes: Buffer, frame: Buffer): Promise<void> | undefined {
    if (bytes.length <= SMALL_BYTES) this.#gather(head, bytes);
    else {
      this.#writeGathered();
      // Not corked: from Node.js 22 on, a response that is corked by hand tells no "drain", or too early.
      if (head !== "") this.#response.write(head);
      this.#response.write(bytes);
    }
    if (!this.#response.writableNeedDrain) return undefined;
    this.#expectProgress();
    holdWhileUnread(this.#reply, frame.length, frame);
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  #gather(head: string, bytes: Buffer): void {
    if (this.#gatheredBytes === 0) process.nextTick(() => this.#writeGathered());
    if (head !== "") this.#gathered.push(head);
    this.#gathered.push(bytes);
    this.#gatheredBytes += head.length + bytes.length;
    if (this.#gatheredBytes >= GATHERED_BYTES_MAX) this.#writeGathered();
  }

  /** The client may have gone, or everything been written for another reason. */
  #writeGathered(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#closed) return;
    const [only] = gathered;
    const isOne = gathered.length === 1 && only !== undefined;
    const goesOn = this.#response.write(isOne ? only : Buffer.concat(gathered.map(toBytes)));
    if (!goesOn) this.#expectProgress();
  }

  #beat(): void {
    // To a client that takes nothing there is no use in piling up heartbeats.
    if (!this.#underWay && !this.#response.writableNeedDrain) this.#response.write(HEARTBEAT);
  }

  #expectProgress(): void {
    this.#stallTimer ??= setTimeout(() => this.#response.destroy(), this.#stalledMs).unref();
  }

  #goOn(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
    wasRead(this.#response);
    for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#goOn();
    for (const listener of this.#onClosed.splice(0)) listener();
  }
}

function toBytes(part: Buffer | string): Buffer {
  return typeof part === "string" ? Buffer.from(part) : part;
}

function done(): void {
  // What comes after it is sent however it ended.
}
