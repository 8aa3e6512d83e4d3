import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { BytesInTurns, readInTurns, turnOfOnesOwn } from "./turns.js";

beforeEach(async () => {
  await nextTurn();
  await nextTurn();
});

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Streams with a chunk each, whose reading takes `ms`; `seen` tells who was read in which turn. */
function streams(count: number, ms: number, isHeavy: boolean): { seen: number[] } {
  const seen: number[] = [];
  let turn = 0;
  let ended = 0;
  void (async () => {
    while (ended < count) {
      await nextTurn();
      turn++;
    }
  })();
  for (let index = 0; index < count; index++) {
    const stream = new PassThrough();
    readInTurns(
      stream,
      () => isHeavy,
      () => {
        work(ms);
        seen.push(turn);
        return undefined;
      },
    );
    stream.on("end", () => ended++);
    stream.end("abc");
  }
  return { seen };
}

test("heavy chunks that come at once are read in turns of their own", async () => {
  const { seen } = streams(6, 8, true);
  await expect.poll(() => seen.length).toBe(6);
  expect(new Set(seen).size).toBe(6);
});

test("light chunks never wait", async () => {
  const { seen } = streams(6, 8, false);
  await expect.poll(() => seen.length).toBe(6);
  expect(new Set(seen).size).toBeLessThan(3);
});

test("heavy chunks that cost little share a turn", async () => {
  const { seen } = streams(6, 0, true);
  await expect.poll(() => seen.length).toBe(6);
  expect(new Set(seen).size).toBeLessThan(3);
});

test("a chunk that waited comes before what follows it, and before the end", async () => {
  const blocker = new PassThrough();
  readInTurns(
    blocker,
    () => true,
    () => {
      work(8);
      return undefined;
    },
  );
  const stream = new PassThrough();
  const seen: string[] = [];
  readInTurns(
    stream,
    () => true,
    (chunk) => {
      seen.push(chunk.toString());
      return undefined;
    },
  );
  stream.on("end", () => seen.push("end"));
  blocker.write("x");
  stream.write("one");
  stream.write("two");
  stream.end("three");
  await expect.poll(() => seen.at(-1)).toBe("end");
  expect(seen.join(" ")).toBe("one two three end");
});

test("what follows a chunk that takes longer than its turn, and the end, wait for it", async () => {
  const stream = new PassThrough();
  const seen: string[] = [];
  const reading = readInTurns(
    stream,
    () => true,
    async (chunk) => {
      seen.push(`${chunk} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(`${chunk} ends`);
    },
  );
  stream.on("end", () => seen.push("end"));
  stream.write("one");
  await nextTurn();
  stream.end("two");
  // Neither of these lets it be read before its time.
  reading.pause();
  reading.resume();
  await expect.poll(() => seen.at(-1)).toBe("two ends");
  expect(seen.filter((one) => one !== "end")).toEqual([
    ...["one begins", "one ends"],
    ...["two begins", "two ends"],
  ]);
});

test("turns are given in the order of asking", async () => {
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((one) => turnOfOnesOwn().then(() => order.push(one))));
  expect(order).toEqual([1, 2, 3]);
});

test("a stream that is paused is not read, also when its turn comes meanwhile", async () => {
  const blocker = new PassThrough();
  readInTurns(
    blocker,
    () => true,
    () => {
      work(8);
      return undefined;
    },
  );
  const stream = new PassThrough();
  const seen: string[] = [];
  const reading = readInTurns(
    stream,
    () => true,
    (chunk) => {
      seen.push(chunk.toString());
      return undefined;
    },
  );
  blocker.write("x");
  stream.write("one");
  await nextTurn();
  reading.pause();
  stream.write("two");
  await new Promise((resolve) => setTimeout(resolve, 30));
  const before = seen.join("");
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(seen.join("")).toBe(before);
  expect(before).not.toContain("two");
  reading.resume();
  await expect.poll(() => seen.join("")).toBe("onetwo");
});

test("whoever takes more bytes than a turn has waits, each for a turn of its own", async () => {
  const bytes = new BytesInTurns(100);
  expect(bytes.take(60)).toBeUndefined();
  expect(bytes.take(40)).toBeUndefined();
  let ended = 0;
  const waiting = [bytes.take(1), bytes.take(1)].map((turn) => turn?.then(() => ended++));
  const seen: number[] = [];
  while (ended < 2) {
    await nextTurn();
    seen.push(ended);
  }
  await Promise.all(waiting);
  expect(seen).toContain(1);
  expect(bytes.take(100)).toBeUndefined();
});
