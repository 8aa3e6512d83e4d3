import { PassThrough } from "node:stream";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { BytesInTime, readInTurns, turnOfOnesOwn } from "./turns.js";

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

test("bytes are taken at once up to a bound, and beyond it at a rate, in the order of their coming", async () => {
  const bytes = new BytesInTime({ atOnce: 100, perMs: 10 });
  const startedAt = performance.now();
  expect(bytes.take(60)).toBeUndefined();
  expect(bytes.take(40)).toBeUndefined();
  const ended: string[] = [];
  const waiting = ["first", "second"].map((name) => bytes.take(500)?.then(() => ended.push(name)));
  expect(waiting).not.toContain(undefined);
  await waiting[0];
  expect(ended).toEqual(["first"]);
  await waiting[1];
  // A timer may come a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThan(95);
  expect(ended).toEqual(["first", "second"]);
});

test("after a while in which no bytes were taken they are taken at once again, and no more than the bound", async () => {
  const bytes = new BytesInTime({ atOnce: 100, perMs: 10 });
  await bytes.take(200);
  await delay(30);
  expect(bytes.take(100)).toBeUndefined();
  expect(bytes.take(100)).toBeDefined();
});
