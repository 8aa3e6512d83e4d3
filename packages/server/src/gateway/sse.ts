/**
 * Server-sent events on one answer: ids, a heartbeat, back-pressure, and the end of a client that
 * has gone. Holds one event at the most beyond what the connection's own buffer takes.
 */

import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { withWholeCharacters } from "./json.js";
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
    // Writing to a client that has just gone is no error of anybody's; "close" follows.
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
   * Write one event, or data alone where it has no name. Whoever has more awaits the promise, if there is one: it resolves when the
   * client has taken enough to go on, or has gone.
   */
  send(event: string | undefined, json: string, id?: number): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const numbered = id === undefined ? "" : `id: ${id}\n`;
    const named = event === undefined ? "" : `event: ${event}\n`;
    const data = withWholeCharacters(json);
    if (this.#response.write(`${numbered}${named}data: ${data}\n\n`)) return undefined;
    this.#expectProgress();
    holdWhileUnread(this.#reply, data);
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  /** There is nothing more to say. */
  end(): void {
    if (this.#closed) return;
    clearInterval(this.#heartbeat);
    this.#expectProgress();
    this.#response.end();
  }

  #beat(): void {
    // To a client that takes nothing there is no use in piling up heartbeats.
    if (!this.#response.writableNeedDrain) this.#response.write(HEARTBEAT);
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
