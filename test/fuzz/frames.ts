/** Frames as a hostile guest would write them: valid ones, and what chance makes of them. */

import {
  encodeFrame,
  FRAME_BYTES_MAX,
  type MessageType,
} from "../../packages/server/src/sandbox/guest/channel.ts";
import { brokenText, deepText, jsonText } from "./json.ts";
import type { Random } from "./random.ts";

/** Every message that a guest may send, complete. */
const MESSAGES: readonly { msg_type: MessageType; content: object }[] = [
  { msg_type: "kernel_ready", content: { python: "3.13.5" } },
  { msg_type: "warden_ready", content: {} },
  { msg_type: "drained", content: {} },
  { msg_type: "fault", content: { reason: "OSError: x (kernel.py:1)" } },
  { msg_type: "stream", content: { name: "stdout", text: "text\n" } },
  { msg_type: "stream", content: { name: "stderr", text: "\u00ff", dropped_bytes: 7 } },
  {
    msg_type: "display_data",
    content: { data: { "text/plain": "x" }, metadata: {}, transient: {} },
  },
  {
    msg_type: "update_display_data",
    content: { data: { "image/png": "aaaa" }, metadata: {}, transient: { display_id: "d" } },
  },
  { msg_type: "clear_output", content: { wait: true } },
  {
    msg_type: "execute_result",
    content: { execution_count: 1, data: { "text/plain": "1" }, metadata: {} },
  },
  {
    msg_type: "execute_reply",
    content: {
      status: "error",
      execution_count: 2,
      execution_time: 0.5,
      exit_code: 3,
      error: { ename: "E", evalue: "v", traceback: ["t"] },
      files_created: ["a"],
      files_modified: [],
    },
  },
  { msg_type: "input_request", content: { prompt: "Who? ", password: false } },
  {
    msg_type: "complete_reply",
    content: { matches: ["a"], cursor_start: 0, cursor_end: 1, types: ["function"] },
  },
  {
    msg_type: "inspect_reply",
    content: { found: true, data: { "text/plain": "x" }, metadata: {} },
  },
  { msg_type: "is_complete_reply", content: { status: "complete", indent: "" } },
  {
    msg_type: "variables_reply",
    content: {
      variables: [
        {
          ...{ name: "a", type: "list", module: "builtins", shape: null, length: 1 },
          ...{ dtype: null, size_bytes: 64, preview: "[1]" },
        },
      ],
      total: 1,
      truncated: false,
    },
  },
  { msg_type: "question_failed", content: { reason: "timeout", detail: "" } },
  { msg_type: "hello", content: { sandbox: "aaaaaaaa", secret: "s", role: "kernel" } },
];

export const MESSAGE_TYPES: ReadonlySet<MessageType> = new Set(
  MESSAGES.map((message) => message.msg_type),
);

export function rawFrame(body: Buffer | string, length?: number): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length ?? bytes.length);
  return Buffer.concat([head, bytes]);
}

/** A message's text with some field replaced, doubled, added or left out. */
function bentMessage(random: Random): string {
  const { msg_type, content } = random.pick(MESSAGES);
  const fields = Object.entries(content).map(([name, value]) => [
    JSON.stringify(name),
    JSON.stringify(value),
  ]);
  for (let bends = random.below(3); bends > 0; bends--) {
    const at = random.below(fields.length + 1);
    const name = fields[at]?.[0] ?? JSON.stringify(random.pick(["__proto__", "x", "name", "data"]));
    if (random.chance(0.6)) fields.splice(at, 1, [name, jsonText(random, 3)]);
    else if (random.chance(0.5)) fields.splice(at, 1);
    else fields.push([name, jsonText(random, 3)]);
  }
  const inside = `{${fields.map((field) => field.join(":")).join(",")}}`;
  const outside = random.pick([
    `{"msg_type":${JSON.stringify(msg_type)},"content":${inside}}`,
    `{"msg_type":${JSON.stringify(msg_type)},"content":${inside}}`,
    `{"content":${inside},"msg_type":${JSON.stringify(msg_type)},"content":${jsonText(random, 2)}}`,
    `{"msg_type":${JSON.stringify(msg_type)},"content":${inside},"__proto__":{"x":1}}`,
    `{"__proto__":{"msg_type":${JSON.stringify(msg_type)},"content":${inside}}}`,
    `{"msg_type":${jsonText(random, 2)},"content":${inside}}`,
  ]);
  return outside;
}

function oneFrame(random: Random): Buffer {
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return encodeFrame(random.pick(MESSAGES));
    case 3:
    case 4:
    case 5:
      return rawFrame(bentMessage(random));
    case 6:
      return rawFrame(jsonText(random));
    case 7:
      return rawFrame(brokenText(random));
    case 8:
      return rawFrame(deepText(random));
    default:
      return rawFrame(random.bytes(random.below(40)));
  }
}

const LENGTH_LIES = [0, 1, 3, 0x7f, FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1];

function damage(random: Random, stream: Buffer): Buffer {
  const bytes = Buffer.from(stream);
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 1:
      for (let flips = random.between(1, 4); flips > 0 && bytes.length > 0; flips--) {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      }
      return bytes;
    case 2:
      if (bytes.length >= 4) {
        bytes.writeUInt32BE(random.pick([...LENGTH_LIES, 0xffffffff, bytes.length]), 0);
      }
      return bytes;
    case 3:
      return Buffer.concat([bytes, random.bytes(random.below(12))]);
    case 4: {
      const at = random.below(bytes.length + 1);
      return Buffer.concat([
        bytes.subarray(0, at),
        random.bytes(random.below(6)),
        bytes.subarray(at),
      ]);
    }
    case 5: {
      const from = random.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + random.below(6))]);
    }
    default:
      return Buffer.concat([bytes, bytes]);
  }
}

/** A stream of a few frames, about half of them damaged somewhere. */
export function frameStream(random: Random): Buffer {
  let stream: Buffer = Buffer.concat(random.list(4, () => oneFrame(random)));
  while (random.chance(0.4)) stream = damage(random, stream);
  return stream;
}

/** Honest messages with contents of every kind; the seeds of the round trip. */
export function anyMessage(random: Random): unknown {
  const content: unknown = JSON.parse(jsonText(random, 5));
  return { msg_type: random.pick(MESSAGES).msg_type, content };
}
