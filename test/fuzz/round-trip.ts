/**
 * What one side writes, the other reads as the same: frames from the gateway's writer through the
 * guest's reader and writer and back. The guest's side is its real code in the sandbox's Python.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeFrame, FrameParser } from "../../packages/server/src/sandbox/guest/channel.ts";
import { rootfsDirectory } from "../support/server.ts";
import { anyMessage, frameStream } from "./frames.ts";
import type { Random } from "./random.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const PROGRAM = [
  join(here, "../../packages/server/guest/_glovebox/wire/frames.py"),
  join(here, "read_frames.py"),
]
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

interface GuestReading {
  /** Null for a frame that Python reads and rightly refuses to write. */
  readonly frames: readonly (string | null)[];
  readonly end: "ChannelClosed" | "FrameTooLarge" | string;
}

/** One process for all cases. It fails when anything but the documented exceptions is raised. */
function readInGuest(cases: readonly Buffer[]): GuestReading[] {
  const input = Buffer.concat(
    cases.flatMap((one) => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(one.length);
      return [head, one];
    }),
  );
  const tree = join(rootfsDirectory(), "current");
  const command = [tree, "/usr/bin/python3", "-I", "-B", "-c", PROGRAM];
  const output = execFileSync("chroot", command, { input, maxBuffer: 2 ** 28, encoding: "utf8" });
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as GuestReading);
}

export function checkRoundTrip(random: Random, count: number): void {
  const messages = Array.from({ length: count }, () => anyMessage(random));
  const readings = readInGuest(messages.map((message) => encodeFrame(message)));
  assert.equal(readings.length, count);
  for (const [index, message] of messages.entries()) {
    const reading = readings[index];
    // JSON has no infinities: what JavaScript parsed as one is written as null.
    const expected: unknown = JSON.parse(JSON.stringify(message));
    const text = JSON.stringify(message).slice(0, 500);
    assert.equal(reading?.end, "ChannelClosed", text);
    const back = new FrameParser().push(Buffer.from(reading?.frames[0] ?? "", "hex"));
    assert.deepEqual(back, [expected], text);
  }
}

/** Hostile bytes end the guest's reader in a way that its documentation names, and no other. */
export function checkGuestReader(random: Random, count: number): void {
  const streams = Array.from({ length: count }, () => frameStream(random));
  assert.equal(readInGuest(streams).length, count);
}
