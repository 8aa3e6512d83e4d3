/**
 * The connection to a porter: many requests at once, each with credit of its own, so that a slow
 * transfer neither holds up another nor fills memory. docs/guest-protocol.md describes the frames.
 * What comes in is as hostile as anything that comes out of a sandbox.
 */

import type { Socket } from "node:net";
import { makeWhole } from "../whole-text.js";
import { ProtocolViolation } from "./channel.js";

export const KIND = {
  open: 1,
  head: 2,
  data: 3,
  item: 4,
  end: 5,
  fail: 6,
  cancel: 7,
  credit: 8,
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

const HEADER_BYTES = 9;
const CREDIT_BYTES = 4;
export const CHUNK_BYTES_MAX = 256 * 1024;
const JSON_BYTES_MAX = 128 * 1024;
/** How much of a request each side may send before it is given more. A frame may exceed what is left. */
export const WINDOW_BYTES = 1024 * 1024;
/** Frames that take no credit: one HEAD, one END or FAIL, and grants of credit now and then. */
const FRAMES_BEYOND_CREDIT_MAX = 100;
/** Up to this a payload is copied behind its header, as each write has its price. */
const COPIED_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

/** What a request is told, in the order of its frames. `data` may be part of a frame. */
export interface PorterHandler {
  head(fields: unknown): void;
  item(fields: unknown): void;
  data(chunk: Buffer): void;
  end(fields: unknown): void;
  /** `code` is undefined when the connection has ended. Called at most once, and nothing after it. */
  fail(code: string | undefined): void;
}

/** One request on its way, from this side. */
export class PorterRequest {
  readonly handler: PorterHandler;
  readonly #channel: PorterChannel;
  readonly #number: number;
  /** What the porter may still send. */
  #allowed = WINDOW_BYTES;
  /** What this side may still send. */
  #credit = WINDOW_BYTES;
  #framesBeyondCredit = 0;
  #wake: (() => void) | undefined;
  open = true;

  constructor(channel: PorterChannel, number: number, handler: PorterHandler) {
    this.#channel = channel;
    this.#number = number;
    this.handler = handler;
  }

  /** What the porter may still send before it waits for a grant. */
  get allowedBytes(): number {
    return this.#allowed;
  }

  /** Let the porter send more. */
  grant(bytes: number): void {
    if (!this.open) return;
    this.#allowed += bytes;
    const payload = Buffer.allocUnsafe(CREDIT_BYTES);
    payload.writeUInt32BE(bytes);
    this.#channel.send(this.#number, KIND.credit, payload);
  }

  send(kind: Kind, fields: unknown): void {
    if (this.open) this.#channel.sendJson(this.#number, kind, fields);
  }

  /**
   * Resolves when all of it has been handed over, or when the request has ended. Credit counts bytes, and of frames of one
   * byte it would let a million wait for a porter that reads none.
   */
  async sendData(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += CHUNK_BYTES_MAX) {
      while (this.open && (this.#credit <= 0 || this.#channel.isFull)) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (!this.open) return;
      const piece = data.subarray(at, at + CHUNK_BYTES_MAX);
      this.#credit -= piece.length;
      this.#framesBeyondCredit--; // At most one grant follows upon each piece.
      this.#channel.send(this.#number, KIND.data, piece);
    }
  }

  /** The caller has lost interest. Nothing more is told. */
  cancel(): void {
    if (!this.open) return;
    this.#channel.send(this.#number, KIND.cancel, NOTHING);
    this.close();
  }

  // --- for the channel ------------------------------------------------------------------------

  /** @throws ProtocolViolation when the porter sends what it was not allowed to. */
  charge(bytes: number): void {
    if (this.#allowed <= 0) throw new ProtocolViolation("more data than there was credit for");
    this.#allowed -= bytes;
  }

  /** @throws ProtocolViolation */
  countFree(): void {
    if (++this.#framesBeyondCredit > FRAMES_BEYOND_CREDIT_MAX) {
      throw new ProtocolViolation("too many frames without data");
    }
  }

  credited(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, WINDOW_BYTES);
    this.#wake?.();
  }

  /** The connection takes more. */
  drained(): void {
    this.#wake?.();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.#channel.forget(this.#number, this.#allowed);
    this.#wake?.();
  }
}

export class PorterChannel {
  /** Resolves when the porter is confined and serves. */
  readonly ready: Promise<void>;
  readonly #socket: Socket;
  readonly #onViolation: (violation: ProtocolViolation) => void;
  readonly #onFault: (reason: string) => void;
  readonly #requests = new Map<number, PorterRequest>();
  #nextNumber = 1;
  #closed = false;
  #isReady = false;
  #resolveReady!: () => void;
  #rejectReady!: (error: Error) => void;
  /** How much may still arrive for requests that are over. */
  #strayBytesMax = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerHeld = 0;
  #left = 0;
  readonly #parts: Buffer[] = [];

  /** `onFault` hears why a porter that served has ended, as it says itself. */
  constructor(
    socket: Socket,
    onViolation: (violation: ProtocolViolation) => void,
    onFault: (reason: string) => void = () => undefined,
  ) {
    this.#socket = socket;
    this.#onViolation = onViolation;
    this.#onFault = onFault;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => undefined);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => {
      for (const request of this.#requests.values()) request.drained();
    });
    socket.on("close", () => this.close());
    socket.resume();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What was sent has still to be taken. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Requests under way. */
  get size(): number {
    return this.#requests.size;
  }

  /** Of a porter that has ended, the handler is told so as soon as the caller has the request. */
  request(fields: unknown, handler: PorterHandler): PorterRequest {
    const number = this.#nextNumber++;
    const request = new PorterRequest(this, number, handler);
    if (this.#closed) {
      request.close();
      queueMicrotask(() => handler.fail(undefined));
      return request;
    }
    this.#requests.set(number, request);
    this.sendJson(number, KIND.open, fields);
    return request;
  }

  /** End the porter, and with it whatever is under way. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#rejectReady(new Error("the porter has ended"));
    for (const request of [...this.#requests.values()]) {
      request.close();
      request.handler.fail(undefined);
    }
  }

  send(number: number, kind: Kind, payload: Buffer): void {
    if (this.#closed) return;
    const isCopied = payload.length <= COPIED_BYTES;
    const head = Buffer.allocUnsafe(HEADER_BYTES + (isCopied ? payload.length : 0));
    head.writeUInt32BE(payload.length, 0);
    head.writeUInt32BE(number, 4);
    head.writeUInt8(kind, 8);
    if (isCopied) {
      payload.copy(head, HEADER_BYTES);
      this.#socket.write(head);
      return;
    }
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(payload);
    this.#socket.uncork();
  }

  sendJson(number: number, kind: Kind, fields: unknown): void {
    this.send(number, kind, Buffer.from(JSON.stringify(fields)));
  }

  forget(number: number, allowedBytes: number): void {
    this.#requests.delete(number);
    this.#strayBytesMax += Math.max(0, allowedBytes) + CHUNK_BYTES_MAX + JSON_BYTES_MAX;
  }

  #receive(chunk: Buffer): void {
    try {
      for (let at = 0; at < chunk.length && !this.#closed; ) at = this.#take(chunk, at);
    } catch (error) {
      this.close();
      this.#onViolation(
        error instanceof ProtocolViolation
          ? error
          : new ProtocolViolation((error as Error).message),
      );
    }
  }

  /** Takes what belongs to the present frame and returns where the rest begins. */
  #take(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#headerHeld < HEADER_BYTES) {
      const end = Math.min(chunk.length, at + HEADER_BYTES - this.#headerHeld);
      chunk.copy(this.#header, this.#headerHeld, at, end);
      this.#headerHeld += end - at;
      at = end;
      if (this.#headerHeld < HEADER_BYTES) return at;
      this.#begin();
      if (this.#left > 0) return at;
    }
    const piece = chunk.subarray(at, at + this.#left);
    this.#left -= piece.length;
    if (this.#kind === KIND.data) this.#request?.handler.data(piece);
    else if (piece.length > 0) this.#parts.push(piece);
    if (this.#left === 0) {
      this.#headerHeld = 0;
      if (this.#kind !== KIND.data) this.#deliver(Buffer.concat(this.#parts.splice(0)));
    }
    return at + piece.length;
  }

  get #kind(): number {
    return this.#header.readUInt8(8);
  }

  get #request(): PorterRequest | undefined {
    return this.#requests.get(this.#header.readUInt32BE(4));
  }

  /** A header is complete: nothing is kept or passed on that exceeds what was granted. */
  #begin(): void {
    const length = this.#header.readUInt32BE(0);
    const kind = this.#kind;
    if (length > (kind === KIND.data ? CHUNK_BYTES_MAX : JSON_BYTES_MAX)) {
      throw new ProtocolViolation(`a frame of ${length} bytes`);
    }
    const request = this.#request;
    if (!request) {
      this.#strayBytesMax -= HEADER_BYTES + length;
      const isGreeting = this.#header.readUInt32BE(4) === 0;
      if (this.#strayBytesMax < 0 && !isGreeting) throw new ProtocolViolation("a stray frame");
    } else if (kind === KIND.data) {
      if (length === 0) throw new ProtocolViolation("an empty chunk");
      request.charge(length);
    } else if (kind === KIND.item) {
      request.charge(HEADER_BYTES + length);
    } else {
      request.countFree();
    }
    this.#left = length;
  }

  #deliver(payload: Buffer): void {
    const request = this.#request;
    if (this.#header.readUInt32BE(4) === 0) {
      this.#greet(payload);
      return;
    }
    if (!request) return;
    switch (this.#kind) {
      case KIND.credit:
        if (payload.length !== CREDIT_BYTES) throw new ProtocolViolation("not an amount of credit");
        request.credited(payload.readUInt32BE());
        return;
      case KIND.head:
        request.handler.head(parse(payload));
        return;
      case KIND.item:
        request.handler.item(parse(payload));
        return;
      case KIND.end: {
        request.handler.end(parse(payload)); // May throw, and the request then fails like the rest.
        request.close();
        return;
      }
      case KIND.fail: {
        const fields = parse(payload) as { code?: unknown } | null;
        request.close();
        request.handler.fail(typeof fields?.code === "string" ? fields.code : "");
        return;
      }
      default:
        throw new ProtocolViolation("a frame of an unknown kind");
    }
  }

  /**
   * The first word: that it serves, or which step of its confinement has failed. Only ours is said
   * before that, so a second one is none, unless it is the last word of a porter that fails.
   */
  #greet(payload: Buffer): void {
    if (this.#kind === KIND.fail && this.#isReady) {
      this.#onFault(failureOf(payload));
      this.close();
      return;
    }
    if (this.#nextNumber !== 1) throw new ProtocolViolation("a second greeting");
    if (this.#kind === KIND.head) {
      this.#isReady = true;
      this.#resolveReady();
      return;
    }
    this.#rejectReady(new Error(`the porter is not confined: ${failureOf(payload)}`));
  }
}

function failureOf(payload: Buffer): string {
  const { code } = (parse(payload) ?? {}) as { code?: unknown };
  return String(code).slice(0, 500);
}

function parse(payload: Buffer): unknown {
  try {
    return makeWhole(JSON.parse(payload.toString("utf8")));
  } catch {
    throw new ProtocolViolation("a frame that is not JSON");
  }
}
