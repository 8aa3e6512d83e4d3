/**
 * The two ways in which Jupyter's messages stand in a WebSocket: JSON, as text or with buffers behind it, and segments
 * under the sub-protocol `v1.kernel.websocket.jupyter.org`.
 */

import { ServiceError } from "../../../errors.js";
import type { KernelMessage, ReceivedParts } from "./message.js";
import { parseJson } from "./parse.js";

export const SEGMENTS_PROTOCOL = "v1.kernel.websocket.jupyter.org";
export type Framing = "json" | "segments";

/** Of one message. */
const BUFFERS_MAX = 64;
const OFFSET_BYTES = 8;
const OLD_OFFSET_BYTES = 4;
/** Channel, header, parent, metadata, content, and where the last one ends. */
const SEGMENTS_MIN = 6;

export function encode(message: KernelMessage, framing: Framing): string | Buffer {
  if (framing === "segments") return encodeSegments(message);
  const { channel, id, type, header, parent, content, buffers } = message;
  const json =
    `{"channel":"${channel}","msg_id":"${id}","msg_type":"${type}","header":${header},` +
    `"parent_header":${parent},"metadata":{},"content":${content.toString("utf8")},"buffers":[]}`;
  return buffers.length === 0 ? json : withOldOffsets([Buffer.from(json), ...buffers]);
}

function encodeSegments({ channel, header, parent, content, buffers }: KernelMessage): Buffer {
  const parts = [channel, header, parent, "{}"].map((part) => Buffer.from(part));
  const segments = [...parts, content, ...buffers];
  const head = Buffer.alloc(OFFSET_BYTES * (segments.length + 2));
  head.writeBigUInt64LE(BigInt(segments.length + 1), 0);
  let offset = head.length;
  segments.forEach((segment, index) => {
    head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES * (index + 1));
    offset += segment.length;
  });
  head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES * (segments.length + 1));
  return Buffer.concat([head, ...segments]);
}

function withOldOffsets(parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(OLD_OFFSET_BYTES * (parts.length + 1));
  head.writeUInt32BE(parts.length, 0);
  let offset = head.length;
  parts.forEach((part, index) => {
    head.writeUInt32BE(offset, OLD_OFFSET_BYTES * (index + 1));
    offset += part.length;
  });
  return Buffer.concat([head, ...parts]);
}

/**
 * What a client has sent. A promise where it is large, which is then read in turns of the event loop.
 * @throws ServiceError INVALID_REQUEST, also by the promise
 */
export function decode(
  data: Buffer,
  isBinary: boolean,
  framing: Framing,
): ReceivedParts | Promise<ReceivedParts> {
  if (isBinary && framing === "segments") return decodeSegments(data);
  if (!isBinary) return decodeJson(data, []);
  const [json, ...buffers] = slices(data, oldOffsets(data));
  if (json === undefined) throw malformed();
  return decodeJson(json, buffers);
}

function decodeJson(
  json: Buffer,
  buffers: readonly Buffer[],
): ReceivedParts | Promise<ReceivedParts> {
  const toParts = (value: unknown): ReceivedParts => {
    const { channel, header, metadata, content } = (value ?? {}) as Record<string, unknown>;
    return { channel, header, metadata, content, buffers };
  };
  const value = parseJson(json);
  return value instanceof Promise ? value.then(toParts) : toParts(value);
}

function decodeSegments(data: Buffer): ReceivedParts | Promise<ReceivedParts> {
  const parts = slices(data, offsets(data));
  const [channel, header, , metadata, content, ...buffers] = parts;
  if (!channel || !header || !metadata || !content) throw malformed();
  const small = {
    channel: channel.subarray(0, 16).toString("utf8"),
    header: parseNow(header),
    metadata: parseNow(metadata),
    buffers,
  };
  const value = parseJson(content);
  if (value instanceof Promise) return value.then((parsed) => ({ ...small, content: parsed }));
  return { ...small, content: value };
}

const SMALL_BYTES = 65_536;

/** Header and metadata, which are small in every honest message. */
function parseNow(json: Buffer): unknown {
  if (json.length > SMALL_BYTES) throw malformed();
  return parseJson(json);
}

function offsets(data: Buffer): number[] {
  if (data.length < OFFSET_BYTES) throw malformed();
  const count = data.readBigUInt64LE(0);
  if (count < SEGMENTS_MIN || count > SEGMENTS_MIN + BUFFERS_MAX) throw malformed();
  const found: number[] = [];
  if (data.length < OFFSET_BYTES * (Number(count) + 1)) throw malformed();
  for (let index = 1; index <= count; index++) {
    found.push(Number(data.readBigUInt64LE(OFFSET_BYTES * index)));
  }
  return found;
}

/** Of the older frame, which says where each part begins, and ends with the last. */
function oldOffsets(data: Buffer): number[] {
  if (data.length < OLD_OFFSET_BYTES) throw malformed();
  const count = data.readUInt32BE(0);
  if (count < 1 || count > 1 + BUFFERS_MAX) throw malformed();
  if (data.length < OLD_OFFSET_BYTES * (count + 1)) throw malformed();
  const found: number[] = [];
  for (let index = 1; index <= count; index++) {
    found.push(data.readUInt32BE(OLD_OFFSET_BYTES * index));
  }
  return [...found, data.length];
}

/** The parts between offsets, which must go up and lie within. */
function slices(data: Buffer, at: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let index = 1; index < at.length; index++) {
    const [from = 0, to = 0] = [at[index - 1], at[index]];
    if (from > to || to > data.length) throw malformed();
    parts.push(data.subarray(from, to));
  }
  return parts;
}

function malformed(): ServiceError {
  return new ServiceError("INVALID_REQUEST", "a frame whose parts do not fit");
}
