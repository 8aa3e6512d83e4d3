/**
 * One WebSocket: messages in at a bounded rate and one after the other, messages out as fast as the client takes them.
 * A client that is gone without a word is found by pings.
 */

import type { RawData, WebSocket } from "ws";
import { ServiceError } from "../../../errors.js";
import { decode, encode, type Framing } from "../wire/framing.js";
import { type ClientMessage, checkMessage, type KernelMessage } from "../wire/message.js";

/** So far behind a client may be before what sends to it has to wait. */
const BEHIND_BYTES_MAX = 2 ** 20;
/** A silent client is asked so often, and has so long to answer. */
const PING_EVERY_MS = 30_000;
/** More in so short a time wait for the next. */
const RATE_WINDOW_MS = 100;
const RATE_MESSAGES_MAX = 200;
/** A close that is not answered. */
const FAREWELL_MS = 1000;
const REASON_BYTES_MAX = 120;

/** Of RFC 6455. */
export const CLOSE = { goingAway: 1001, badMessage: 1008, fault: 1011 } as const;

export interface ConnectionListener {
  /** The next message is read when this is done. */
  onMessage(message: ClientMessage, bytes: number): Promise<void> | undefined;
  onClose(): void;
}

export class Connection {
  readonly framing: Framing;
  readonly #socket: WebSocket;
  readonly #listener: ConnectionListener;
  readonly #pings: NodeJS.Timeout;
  #isAlive = true;
  #isClosed = false;
  #unsentBytes = 0;
  #drained: (() => void)[] = [];
  /** Messages are read one after the other. */
  #reading: Promise<void> | undefined;
  #waiting: { data: Buffer; isBinary: boolean }[] = [];
  #windowBegan = 0;
  #inWindow = 0;

  constructor(socket: WebSocket, framing: Framing, listener: ConnectionListener) {
    this.framing = framing;
    this.#socket = socket;
    this.#listener = listener;
    this.#pings = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
    socket.on("pong", () => {
      this.#isAlive = true;
    });
    socket.on("message", (data: RawData, isBinary) => this.#receive(data as Buffer, isBinary));
    // A frame that is wrong or too large is answered by the library, and "close" comes after it.
    socket.on("error", () => undefined);
    socket.on("close", () => this.#closed());
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** A promise where the client is far behind, which resolves when it is not, or is gone. */
  send(message: KernelMessage): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    const frame = encode(message, this.framing);
    const bytes = frame.length;
    this.#unsentBytes += bytes;
    this.#socket.send(frame, { binary: typeof frame !== "string" }, () => {
      this.#unsentBytes -= bytes;
      if (this.#unsentBytes <= BEHIND_BYTES_MAX) this.#tellDrained();
    });
    return this.drained();
  }

  /** As `send`, of what was sent before. */
  drained(): Promise<void> | undefined {
    if (this.#isClosed || this.#unsentBytes <= BEHIND_BYTES_MAX) return undefined;
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#socket.close(code, Buffer.from(reason).subarray(0, REASON_BYTES_MAX).toString("utf8"));
    setTimeout(() => this.#socket.terminate(), FAREWELL_MS).unref();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#isAlive = true;
    this.#waiting.push({ data, isBinary });
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
  }

  async #readOn(): Promise<void> {
    this.#socket.pause();
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        if (this.#isClosed) return;
        await this.#keepRate();
        const parts = await decode(next.data, next.isBinary, this.framing);
        await this.#listener.onMessage(checkMessage(parts), next.data.length);
        await this.drained();
      }
      if (!this.#isClosed) this.#socket.resume();
    } catch (error) {
      this.#waiting = [];
      if (error instanceof ServiceError) this.close(CLOSE.badMessage, error.message);
      else this.close(CLOSE.fault, "the server could not read this message");
    }
  }

  async #keepRate(): Promise<void> {
    const now = performance.now();
    const leftMs = this.#windowBegan + RATE_WINDOW_MS - now;
    if (leftMs <= 0) {
      this.#windowBegan = now;
      this.#inWindow = 0;
    }
    if (++this.#inWindow <= RATE_MESSAGES_MAX) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, leftMs)));
    this.#windowBegan = performance.now();
    this.#inWindow = 1;
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  #tellDrained(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    clearInterval(this.#pings);
    this.#tellDrained();
    this.#listener.onClose();
  }
}
