/**
 * The channel to the guest: length-prefixed JSON with Jupyter's message types. Everything that
 * arrives is hostile: sizes are capped before memory is spent, and every message is checked
 * against its schema before anyone looks at it. docs/guest-protocol.md describes it.
 */

import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { answerSchemas } from "../questions.js";
import { recordOf } from "../records.js";

export const FRAME_BYTES_MAX = 8 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** The other side broke the protocol; only its own sandbox suffers. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

/** One message as a frame. */
export function encodeFrame(message: unknown): Buffer {
  const body = JSON.stringify(message);
  const length = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.write(body, LENGTH_BYTES);
  return frame;
}

/** Cuts a byte stream into frames. Holds at most one frame and a chunk. */
export class FrameParser {
  /** What an incomplete frame has so far: the first `#held` bytes. */
  #pending = Buffer.alloc(0);
  #held = 0;

  /** Bytes of an incomplete frame. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Feed a chunk and return the values that it completes.
   * @throws ProtocolViolation for a frame that is too large or is not JSON.
   */
  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    for (const frame of this.frames(chunk)) values.push(parseJson(frame.toString("utf8")));
    return values;
  }

  /**
   * Feed a chunk and take the frames that it completes. All have to be taken before the next chunk is fed.
   * @throws ProtocolViolation for a frame that is too large.
   */
  *frames(chunk: Buffer): Generator<Buffer, void> {
    let data = this.#held > 0 ? this.#append(chunk) : chunk;
    while (data.length >= LENGTH_BYTES) {
      const length = data.readUInt32BE(0);
      if (length > FRAME_BYTES_MAX) {
        throw new ProtocolViolation(`a frame of ${length} bytes, ${FRAME_BYTES_MAX} are allowed`);
      }
      const end = LENGTH_BYTES + length;
      if (data.length < end) break;
      yield data.subarray(LENGTH_BYTES, end);
      data = data.subarray(end);
    }
    this.#keep(data);
  }

  /** Everything held, with `chunk` behind it. The buffer doubles, so dribbling costs no more. */
  #append(chunk: Buffer): Buffer {
    const total = this.#held + chunk.length;
    if (total > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(total, this.#pending.length * 2));
      this.#pending.copy(larger, 0, 0, this.#held);
      this.#pending = larger;
    }
    chunk.copy(this.#pending, this.#held);
    this.#held = total;
    return this.#pending.subarray(0, total);
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) {
      this.#pending = Buffer.alloc(0);
    } else if (rest.length !== this.#held) {
      this.#pending = Buffer.from(rest);
    }
    this.#held = rest.length;
  }
}

/** What a frame holds. @throws ProtocolViolation */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolViolation("a frame that is not JSON");
  }
}

/** Code that reads or writes a value recursively must not run out of stack. */
const DEPTH_MAX = 500;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_ARRAY, OPEN_OBJECT, CLOSE_ARRAY, CLOSE_OBJECT] = [0x5b, 0x7b, 0x5d, 0x7d];

/** Relative to a number, by what a parse and the garbage collector spend on it. */
const KEY_WEIGHT = 10;
const CONTAINER_WEIGHT = 10;
const STRING_WEIGHT = 3;
/** Bytes that say something about values; all others are passed over in one step. */
const TELLING = new Uint8Array(256);
for (const byte of [QUOTE, COMMA, COLON, OPEN_ARRAY, OPEN_OBJECT, CLOSE_ARRAY, CLOSE_OBJECT]) {
  TELLING[byte] = 1;
}

/**
 * How many values a JSON text holds, roughly, without parsing it: time and memory of a parse grow
 * with this more than with bytes. Honest rich output is a few large strings, or arrays of numbers.
 * Beyond `enough` nothing more is counted.
 * @throws ProtocolViolation for a text that nests too deep
 */
export function countJsonValues(text: Buffer, enough = Number.POSITIVE_INFINITY): number {
  const values = new JsonValueCount(text, enough);
  values.advance(text.length);
  return values.count;
}

/** The same, some bytes at a time. */
export class JsonValueCount {
  readonly #text: Buffer;
  readonly #enough: number;
  #at = 0;
  #isInString = false;
  #depth = 0;
  #count = 0;

  constructor(text: Buffer, enough: number) {
    this.#text = text;
    this.#enough = enough;
  }

  get count(): number {
    return this.#count;
  }

  /** Nothing is left that could change the answer. */
  get isOver(): boolean {
    return this.#at >= this.#text.length || this.#count > this.#enough;
  }

  /** Look at so many bytes more. @throws ProtocolViolation */
  advance(bytes: number): void {
    const end = Math.min(this.#text.length, this.#at + bytes);
    while (this.#at < end && this.#count <= this.#enough) {
      if (this.#isInString) this.#passString(end);
      else this.#passValues(end);
    }
  }

  /** Up to the beginning of the next string. */
  #passValues(end: number): void {
    const text = this.#text;
    let [at, count, depth] = [this.#at, this.#count, this.#depth];
    for (at = nextTelling(text, at, end); at < end; at = nextTelling(text, at + 1, end)) {
      if (count > this.#enough || text[at] === QUOTE) break;
      switch (text[at]) {
        case COMMA:
          count++;
          break;
        case COLON:
          count += KEY_WEIGHT;
          break;
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          count += CONTAINER_WEIGHT;
          if (++depth > DEPTH_MAX) {
            throw new ProtocolViolation(`a frame nested more than ${DEPTH_MAX} levels deep`);
          }
          break;
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          depth--;
      }
    }
    if (at < end && text[at] === QUOTE) {
      this.#isInString = true;
      count += STRING_WEIGHT;
      at++;
    }
    [this.#at, this.#count, this.#depth] = [at, count, depth];
  }

  #passString(end: number): void {
    const quote = endOfString(this.#text, this.#at, end);
    this.#isInString = quote >= end;
    // An escape may reach beyond the end.
    this.#at = this.#isInString ? quote : quote + 1;
  }
}

function nextTelling(text: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && TELLING[text[at] as number] === 0) at++;
  return at;
}

/** A search for the next quote has its price; so near, looking at each byte is cheaper. */
const NEAR_BYTES = 64;

/** Position of the quote that ends the string of which `from` is a part; at or behind `end` where none does before. */
function endOfString(text: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const near = Math.min(at + NEAR_BYTES, end);
    for (; at < near; at++) {
      const byte = text[at];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    if (at >= end) break;
    const quote = text.indexOf(QUOTE, at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (quote - backslashes > at && text[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote;
    at = quote + 1;
  }
  return at;
}

const Closed = { additionalProperties: false } as const;
const Seconds = Type.Number({ minimum: 0, maximum: 1e9 });
const Paths = Type.Array(Type.String({ maxLength: 8192 }), { maxItems: 1000 });
/** A MIME bundle, passed on as it is: its size is bounded where outputs are collected. */
const Bundle = Type.Record(Type.String(), Type.Unknown(), { maxProperties: 100 });
const PROMPT_CHARACTERS_MAX = 4096;

/** All that a guest may say, by its type. */
export const guestMessages = {
  kernel_ready: Type.Object({ python: Type.String({ maxLength: 32 }) }, Closed),
  stream: Type.Object(
    {
      name: Type.Union([Type.Literal("stdout"), Type.Literal("stderr")]),
      /** One character for each byte. */
      text: Type.String(),
      dropped_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    Closed,
  ),
  display_data: Type.Object({ data: Bundle, metadata: Bundle, transient: Bundle }, Closed),
  update_display_data: Type.Object({ data: Bundle, metadata: Bundle, transient: Bundle }, Closed),
  clear_output: Type.Object({ wait: Type.Boolean() }, Closed),
  comm: Type.Object(
    {
      kind: Type.Union([Type.Literal("open"), Type.Literal("msg"), Type.Literal("close")]),
      comm_id: Type.String({ maxLength: 256 }),
      target_name: Type.Optional(Type.String({ maxLength: 256 })),
      data: Bundle,
      metadata: Bundle,
      buffers: Type.Optional(Type.Array(Type.String(), { maxItems: 1000 })),
    },
    Closed,
  ),
  execute_result: Type.Object(
    { execution_count: Type.Integer({ minimum: 0 }), data: Bundle, metadata: Bundle },
    Closed,
  ),
  input_request: Type.Object(
    { prompt: Type.String({ maxLength: PROMPT_CHARACTERS_MAX }), password: Type.Boolean() },
    Closed,
  ),
  execute_reply: Type.Object(
    {
      status: Type.Union([Type.Literal("ok"), Type.Literal("error"), Type.Literal("interrupted")]),
      execution_count: Type.Integer({ minimum: 0 }),
      execution_time: Seconds,
      exit_code: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
      error: Type.Optional(
        Type.Object(
          {
            ename: Type.String({ maxLength: 1024 }),
            evalue: Type.String({ maxLength: 65536 }),
            traceback: Type.Array(Type.String({ maxLength: 65536 }), { maxItems: 200 }),
          },
          Closed,
        ),
      ),
      user_expressions: Type.Optional(
        recordOf(Type.Unknown(), {
          maxProperties: 100,
          propertyNames: Type.String({ maxLength: 256 }),
        }),
      ),
      nearby: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 20 })),
      files_created: Type.Optional(Paths),
      files_modified: Type.Optional(Paths),
    },
    Closed,
  ),
  ...answerSchemas,
  warden_ready: Type.Object({}, Closed),
  drained: Type.Object({}, Closed),
  /** The last word of a process of ours. Code of the user's can say it in the kernel's name. */
  fault: Type.Object({ reason: Type.String({ maxLength: 500 }) }, Closed),
  hello: Type.Object(
    {
      sandbox: Type.String({ maxLength: 64 }),
      secret: Type.String({ maxLength: 128 }),
      role: Type.Union([Type.Literal("kernel"), Type.Literal("warden"), Type.Literal("porter")]),
    },
    Closed,
  ),
} as const satisfies Record<string, TSchema>;

type Schemas = typeof guestMessages;
export type MessageType = keyof Schemas;
export type GuestMessage<T extends MessageType = MessageType> = {
  [K in T]: { readonly msg_type: K; readonly content: Static<Schemas[K]> };
}[T];

/** What a kernel says while it runs a cell. */
export type KernelMessage = GuestMessage<
  | "stream"
  | "display_data"
  | "update_display_data"
  | "clear_output"
  | "comm"
  | "execute_result"
  | "input_request"
  | "execute_reply"
>;

const validators = new Map(
  Object.entries(guestMessages).map(([name, schema]) => [name, Compile(schema as TSchema)]),
);

/**
 * A frame's value as a message of one of the allowed types.
 * @throws ProtocolViolation when it is anything else.
 */
export function checkMessage<T extends MessageType>(
  value: unknown,
  allowed: ReadonlySet<T>,
): GuestMessage<T> {
  const { msg_type: type, content } = (value ?? {}) as { msg_type?: unknown; content?: unknown };
  if (typeof type !== "string" || !allowed.has(type as T)) {
    throw new ProtocolViolation("a message of a type that is not expected here");
  }
  if (Object.keys(value as object).length !== 2) {
    throw new ProtocolViolation("a message with more than msg_type and content");
  }
  if (!validators.get(type)?.Check(content)) {
    throw new ProtocolViolation(`a ${type} message that does not follow its schema`);
  }
  return value as GuestMessage<T>;
}
