/** What a porter that the guest has taken over could send: answers to requests, and what chance makes of them. */
import { CHUNK_BYTES_MAX, KIND } from "../../packages/server/src/sandbox/guest/porter-channel.ts";
import { brokenText, deepText, jsonText } from "./json.ts";
import type { Random } from "./random.ts";

export type Operation = "list" | "read" | "write" | "mkdir" | "rename" | "archive" | "watch";
export const OPERATIONS: readonly Operation[] = [
  ...(["list", "read", "write", "mkdir", "rename", "archive", "watch"] as const),
];

const HEADER_BYTES = 9;
const KINDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255];
const LENGTH_LIES = [0, 1, 4, 2 ** 17 + 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 2 ** 32 - 1];
const CODES = ["FILE_NOT_FOUND", "FILE_CHANGED", "TOO_MANY", "toString", "__proto__", ""];
/** A frame of a large file, cut to what makes the fuzzer quick. */
const DATA_BYTES = [1, 7, 1000, 70_000, CHUNK_BYTES_MAX];

export function porterFrame(
  request: number,
  kind: number,
  payload: Buffer | string,
  length?: number,
): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(length ?? body.length, 0);
  header.writeUInt32BE(request, 4);
  header.writeUInt8(kind, 8);
  return Buffer.concat([header, body]);
}

/** An object's text, often with a field replaced, doubled or left out. */
function bent(random: Random, value: object): string {
  if (random.chance(0.75)) return JSON.stringify(value);
  const fields = Object.entries(value).map(
    ([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`,
  );
  const name = random.pick([...Object.keys(value), "__proto__", "x"]);
  const at = random.below(fields.length + 1);
  const odd = `${JSON.stringify(name)}:${jsonText(random, 3)}`;
  fields.splice(at, random.below(2), ...(random.chance(0.8) ? [odd] : []));
  if (random.chance(0.1)) return random.pick([jsonText, brokenText, deepText])(random);
  return `{${fields.join(",")}}`;
}

const data = (random: Random, request: number): Buffer =>
  porterFrame(request, KIND.data, Buffer.alloc(random.pick(DATA_BYTES), request));

/** What an honest porter would say next, in one of its words. */
function answer(random: Random, request: number, operation: Operation): Buffer {
  const say = (kind: number, value: object) => porterFrame(request, kind, bent(random, value));
  const entry = { path: "a/\u00e4\n", type: "file", size: random.below(100_000), mtime_ms: 1 };
  if (random.chance(0.06)) return say(KIND.fail, { code: random.pick(CODES) });
  const isLast = random.chance(0.3);
  switch (operation) {
    case "list":
      if (isLast) return say(KIND.end, { truncated: random.chance(0.5) });
      return say(KIND.item, { entries: Array(random.below(30)).fill(entry) });
    case "read":
      if (random.chance(0.3)) return say(KIND.head, { ...entry, etag: "1-2f-3" });
      return isLast ? say(KIND.end, {}) : data(random, request);
    case "archive":
      if (random.chance(0.3)) return say(KIND.head, {});
      return isLast ? say(KIND.end, {}) : data(random, request);
    case "write":
      if (isLast) return say(KIND.end, { files: [{ path: "a", size: 1, created: true }] });
      return porterFrame(request, KIND.credit, random.bytes(4));
    case "watch":
      if (random.chance(0.4)) return say(KIND.head, {});
      if (isLast) return say(KIND.end, {});
      return say(KIND.item, { changes: [{ path: "a", change: "created", type: "file" }] });
    case "mkdir":
      return say(KIND.end, { created: true });
    case "rename":
      return say(KIND.end, {});
  }
}

function oneFrame(random: Random, operations: readonly Operation[]): Buffer {
  const request = 1 + random.below(operations.length);
  if (random.chance(0.88)) return answer(random, request, operations[request - 1] ?? "read");
  const number = random.pick([0, request, operations.length + 1, 2 ** 32 - 1]);
  const kind = random.pick(KINDS);
  const payload = random.chance(0.5) ? jsonText(random, 2) : random.bytes(random.below(40));
  if (random.chance(0.7)) return porterFrame(number, kind, payload);
  return porterFrame(number, kind, payload, random.pick(LENGTH_LIES));
}

/** Frames of a porter that was asked these; request 1 is the first of them. */
export function porterFrames(random: Random, operations: readonly Operation[]): Buffer[] {
  const count = random.chance(0.1) ? random.below(300) : random.below(25);
  const frames = Array.from({ length: count }, () => oneFrame(random, operations));
  // The whole of a tidy answer is rare by chance alone.
  if (random.chance(0.5)) frames.unshift(porterFrame(1, KIND.head, headOf(operations[0])));
  if (frames.length > 0 && random.chance(0.2)) {
    const at = random.below(frames.length);
    const frame = frames[at] ?? Buffer.alloc(0);
    if (frame.length > 0) frame[random.below(Math.min(frame.length, 30))] = random.below(256);
  }
  return frames;
}

function headOf(operation: Operation | undefined): string {
  const file = { type: "file", size: 1000, mtime_ms: 1, etag: "1-2f-3" };
  return JSON.stringify(operation === "read" ? file : {});
}
