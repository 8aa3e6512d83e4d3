/**
 * What must hold for the reader of a porter's frames, whatever bytes arrive: it reads the same however they are
 * split, everybody who has asked gets an end, a file is whole or an error, and little is held.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { ServiceError } from "../../packages/server/src/errors.ts";
import type { ProtocolViolation } from "../../packages/server/src/sandbox/guest/channel.ts";
import {
  CHUNK_BYTES_MAX,
  PorterChannel,
  WINDOW_BYTES,
} from "../../packages/server/src/sandbox/guest/porter-channel.ts";
import { PorterFiles } from "../../packages/server/src/sandbox/guest/porter-files.ts";
import { OPERATIONS, type Operation, porterFrames } from "./porter-frames.ts";
import { Random } from "./random.ts";

const ENTRIES_MAX = 40;
/** Ends come within a few turns of the event loop; a machine may be busy. */
const SETTLE_MS = 5000;

/** The gateway's end of a connection, whose bytes come when the fuzzer says so. */
class Wire extends EventEmitter {
  destroyed = false;
  resume(): void {}
  cork(): void {}
  uncork(): void {}
  write(): boolean {
    return true;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

function channelOn(wire: Wire): { channel: PorterChannel; violation: () => string | undefined } {
  let seen: ProtocolViolation | undefined;
  const channel = new PorterChannel(wire as unknown as Socket, (violation) => {
    assert.equal(seen, undefined, "a connection ends once");
    seen = violation;
  });
  return { channel, violation: () => seen?.message };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// --- the frames -------------------------------------------------------------------------------

/** All that a channel tells of these pieces, with the data of a frame put together. */
function listen(pieces: readonly Buffer[], requests: number): string[] {
  const wire = new Wire();
  const { channel, violation } = channelOn(wire);
  const told: string[] = [];
  const tell = (number: number, what: string, value?: unknown) =>
    void told.push(`${number} ${what} ${JSON.stringify(value)}`);
  for (let number = 1; number <= requests; number++) {
    let bytes = 0;
    channel.request(
      { op: "x" },
      {
        head: (fields) => tell(number, "head", fields),
        item: (fields) => tell(number, "item", fields),
        data: (chunk) => {
          bytes += chunk.length;
        },
        end: (fields) => tell(number, `end after ${bytes}`, fields),
        fail: (code) => tell(number, "fail", code),
      },
    );
  }
  for (const piece of pieces) wire.emit("data", piece);
  assert.equal(channel.closed, violation() !== undefined);
  assert.equal(channel.closed, wire.destroyed);
  wire.emit("close");
  assert.equal(channel.size, 0, "a request outlives its connection");
  told.push(`violation: ${violation()}`);
  return told;
}

function splitRandomly(random: Random, stream: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random.below(random.pick([1, 9, 1000, stream.length]));
    pieces.push(stream.subarray(at, end));
    at = end;
  }
  return pieces;
}

export function checkPorterSplitting(seed: number): void {
  const random = new Random(seed);
  const operations = random.list(3, () => random.pick(OPERATIONS)).concat("read");
  const stream = Buffer.concat(porterFrames(random, operations));
  const whole = listen([stream], operations.length);
  assert.deepEqual(listen(splitRandomly(random, stream), operations.length), whole);
  if (stream.length > 3000) return;
  const bytes = Array.from({ length: stream.length }, (_, at) => stream.subarray(at, at + 1));
  assert.deepEqual(listen(bytes, operations.length), whole);
}

// --- those who ask ----------------------------------------------------------------------------

/** The bytes of a stream to its end; it fails as the transfer does. Held is what nobody has taken. */
async function drain(stream: Readable): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    const held = stream.readableLength;
    assert.ok(held <= WINDOW_BYTES + CHUNK_BYTES_MAX, `${held} bytes are held`);
  }
  return bytes;
}

type Ask = (files: PorterFiles, random: Random) => Promise<void>;
const asks: Readonly<Record<Operation, Ask>> = {
  list: async (files) => {
    const { entries } = await files.list("", { recursive: true, entriesMax: ENTRIES_MAX });
    assert.ok(entries.length <= ENTRIES_MAX);
    for (const { modifiedMs } of entries) new Date(modifiedMs).toISOString();
  },
  read: async (files, random) => {
    const file = await files.open("x");
    assert.match(file.version, /^[0-9a-f-]+$/);
    if (random.chance(0.1)) return file.close();
    const length = random.chance(0.7) ? file.sizeBytes : random.below(1000);
    const bytes = await drain(file.read(0, length));
    assert.equal(bytes, length, "a file ended well that is not whole");
  },
  write: async (files, random) => {
    const writer = files.write();
    try {
      writer.next("a", 10);
      await writer.write(Buffer.alloc(random.pick([0, 10, 3 * WINDOW_BYTES])));
      await writer.commit();
    } finally {
      writer.abort();
    }
  },
  mkdir: async (files) => void (await files.makeDirectory("x")),
  rename: (files) => files.rename("x", "y", true),
  archive: async (files, random) => {
    const stream = await files.archive("", "tar");
    if (random.chance(0.2)) stream.destroy();
    else await drain(stream);
  },
  watch: async (files) => {
    const watch = await files.watch("", {
      changed: async () => undefined,
      truncated: async () => undefined,
    });
    await watch.ended;
  },
};

export async function checkPorterAnswers(seed: number): Promise<void> {
  const random = new Random(seed);
  const operations = random.list(3, () => random.pick(OPERATIONS)).concat(random.pick(OPERATIONS));
  const wire = new Wire();
  const { channel } = channelOn(wire);
  const files = new PorterFiles(channel, () => undefined);
  const ends = operations.map((operation) =>
    asks[operation](files, random).catch((error: unknown) => {
      if (error instanceof ServiceError) return;
      throw error;
    }),
  );
  for (const frame of porterFrames(random, operations)) {
    wire.emit("data", frame);
    await turn();
  }
  wire.emit("close");
  assert.equal(channel.size, 0);
  await inTime(Promise.all(ends), `who asked for ${operations.join(", ")} gets no end`);
}

async function inTime(work: Promise<unknown>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), SETTLE_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export const porterProperties = { checkPorterSplitting, checkPorterAnswers } as const;

/** One case of each property; the failure names the seed of its case. */
export async function checkPorter(random: Random): Promise<void> {
  for (const [name, check] of Object.entries(porterProperties)) {
    const seed = random.seed();
    try {
      await check(seed);
    } catch (error) {
      throw new Error(`${name}(${seed}): ${(error as Error).message}`, { cause: error });
    }
  }
}
