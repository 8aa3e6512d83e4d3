/**
 * What must hold for the reader of guests' frames, whatever bytes arrive. Each property is held
 * against a second reader, written here as plainly as possible.
 */
import assert from "node:assert/strict";
import {
  checkMessage,
  countJsonValues,
  FRAME_BYTES_MAX,
  FrameParser,
  type MessageType,
  ProtocolViolation,
  parseJson,
} from "../../packages/server/src/sandbox/guest/channel.ts";
import { frameStream, MESSAGE_TYPES } from "./frames.ts";
import { brokenText, deepText, jsonText } from "./json.ts";
import { Random } from "./random.ts";

type Violation = "too large" | "not acceptable";

interface Reading {
  readonly values: unknown[];
  readonly violation: Violation | undefined;
  readonly heldBytes: number;
}

/** As docs/guest-protocol.md has it. */
const DEPTH_MAX = 500;

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  // Strings are taken out first, so that brackets inside of them do not count.
  for (const character of text.replace(/"(?:[^"\\]|\\.)*"/gs, "")) {
    if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    if (character === "]" || character === "}") depth--;
  }
  return deepest;
}

/** The reader that the parser is compared with: the whole stream, one frame after the other. */
function readPlainly(stream: Buffer): Reading {
  const values: unknown[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const length = stream.readUInt32BE(at);
    if (length > FRAME_BYTES_MAX) return { values, violation: "too large", heldBytes: 0 };
    if (stream.length - at - 4 < length) break;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      stream.subarray(at + 4, at + 4 + length),
    );
    try {
      const value: unknown = JSON.parse(text);
      assert.ok(depthOf(text) <= DEPTH_MAX);
      values.push(value);
    } catch {
      return { values, violation: "not acceptable", heldBytes: 0 };
    }
    at += 4 + length;
  }
  return { values, violation: undefined, heldBytes: stream.length - at };
}

/** Feed the parser piece by piece. Whatever is thrown has to be a violation. */
function feed(pieces: readonly Buffer[]): Reading {
  const parser = new FrameParser();
  const values: unknown[] = [];
  for (const piece of pieces) {
    try {
      const found: unknown[] = [];
      for (const frame of parser.frames(piece)) {
        countJsonValues(frame);
        found.push(parseJson(frame.toString("utf8")));
      }
      values.push(...found);
    } catch (error) {
      assert.ok(error instanceof ProtocolViolation, `${error} is no ProtocolViolation`);
      const violation = error.message.includes("bytes") ? "too large" : "not acceptable";
      return { values, violation, heldBytes: 0 };
    }
    assert.ok(parser.heldBytes <= FRAME_BYTES_MAX + 4, `${parser.heldBytes} bytes are held`);
  }
  return { values, violation: undefined, heldBytes: parser.heldBytes };
}

function splitRandomly(random: Random, stream: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random.below(random.pick([1, 4, 64, stream.length]));
    pieces.push(stream.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** In two pieces at every place, where the stream is short, and byte by byte. */
function everySplit(stream: Buffer): Buffer[][] {
  if (stream.length > 200) return [];
  const inTwo = Array.from({ length: stream.length }, (_, at) => [
    stream.subarray(0, at),
    stream.subarray(at),
  ]);
  return [...inTwo, Array.from({ length: stream.length }, (_, at) => stream.subarray(at, at + 1))];
}

export function checkSplitting(seed: number): void {
  const random = new Random(seed);
  const stream = frameStream(random);
  const expected = readPlainly(stream);
  const splits = [[stream], splitRandomly(random, stream), ...everySplit(stream)];
  for (const pieces of splits) {
    const got = feed(pieces);
    assert.equal(got.violation, expected.violation);
    assert.equal(got.heldBytes, expected.heldBytes);
    // A push that ends in a violation says nothing of the frames before it.
    const known = expected.violation === undefined ? expected.values.length : got.values.length;
    assert.deepEqual(got.values, expected.values.slice(0, known));
  }
}

/** Values in what a text means: each scalar, array and object. */
function countTruly(value: unknown): number {
  let count = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    count++;
    if (typeof next === "object" && next !== null) {
      // Not by push(...values): a wide object has more of them than a call has room for.
      for (const inner of Object.values(next)) open.push(inner);
    }
  }
  return count;
}

export function checkCounting(seed: number): void {
  const random = new Random(seed);
  const text = random.pick([jsonText, jsonText, jsonText, deepText, brokenText])(random);
  let count: number;
  try {
    count = countJsonValues(Buffer.from(text));
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation, `${error} is no ProtocolViolation`);
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  // What the count leaves out is the outermost value, unless that is an object.
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const least = countTruly(value) - (isObject ? 0 : 1);
  assert.ok(count >= least, `${count} values counted of ${least} in ${text.slice(0, 500)}`);
}

/** The fields that a message may have and those that it must have, written down a second time. */
const FIELDS: Readonly<Record<MessageType, { must: string; may?: string }>> = {
  kernel_ready: { must: "python" },
  warden_ready: { must: "" },
  drained: { must: "" },
  fault: { must: "reason" },
  hello: { must: "role sandbox secret" },
  stream: { must: "name text", may: "dropped_bytes" },
  display_data: { must: "data metadata transient" },
  update_display_data: { must: "data metadata transient" },
  clear_output: { must: "wait" },
  comm: { must: "comm_id data kind metadata", may: "buffers target_name" },
  execute_result: { must: "data execution_count metadata" },
  input_request: { must: "password prompt" },
  complete_reply: { must: "cursor_end cursor_start matches types" },
  inspect_reply: { must: "data found metadata" },
  is_complete_reply: { must: "indent status" },
  variables_reply: { must: "total truncated variables" },
  script_reply: { must: "answer" },
  question_failed: { must: "detail reason" },
  execute_reply: {
    must: "execution_count execution_time status",
    may: "exit_code error files_created files_modified",
  },
};

export function checkMessages(seed: number): void {
  const { values } = readPlainly(frameStream(new Random(seed)));
  for (const value of values) {
    try {
      const message = checkMessage(value, MESSAGE_TYPES);
      assert.equal(message, value);
      assert.equal(Object.getPrototypeOf(message), Object.prototype);
      const { must, may = "" } = FIELDS[message.msg_type];
      const present = Object.getOwnPropertyNames(message.content);
      const known = `${must} ${may}`.split(" ");
      assert.deepEqual(
        present.filter((name) => !known.includes(name)),
        [],
      );
      assert.deepEqual(
        must.split(" ").filter((name) => name && !present.includes(name)),
        [],
      );
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
    }
  }
}

export const channelProperties = { checkSplitting, checkCounting, checkMessages } as const;

/** One case of each property; the failure names the seed of its case. */
export function checkChannel(random: Random): void {
  for (const [name, check] of Object.entries(channelProperties)) {
    const seed = random.seed();
    try {
      check(seed);
    } catch (error) {
      throw new Error(`${name}(${seed}): ${(error as Error).message}`, { cause: error });
    }
  }
}
