import { expect, test, vi } from "vitest";
import { WorkQueue } from "./work-queue.js";

/** Work that ends when it is told to. */
function piece(name: string, told: string[]) {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = vi.fn(async () => {
    await ended;
    return () => void told.push(name);
  });
  return { work, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("is done a piece at a time, in the order of asking", async () => {
  const told: string[] = [];
  const queue = new WorkQueue(() => undefined);
  const [a, b, c] = [piece("a", told), piece("b", told), piece("c", told)];
  for (const { work } of [a, b, c]) queue.add(work);
  expect(queue.length).toBe(3);
  c.end();
  b.end();
  await turn();
  expect(b.work).not.toHaveBeenCalled();
  a.end();
  await queue.drained();
  await turn();
  expect(told).toEqual(["a", "b", "c"]);
  expect(queue.length).toBe(0);
});

test("begins at once when nothing else is done", () => {
  const queue = new WorkQueue(() => undefined);
  const { work } = piece("a", []);
  queue.add(work);
  expect(work).toHaveBeenCalledOnce();
});

test("that is taken back is never begun, and frees its place at once", async () => {
  const onFree = vi.fn();
  const queue = new WorkQueue(onFree);
  const [a, b, c] = [piece("a", []), piece("b", []), piece("c", [])];
  for (const { work, end } of [a, b, c]) {
    queue.add(work);
    end();
  }
  queue.takeBack(b.work);
  expect(queue.length).toBe(2);
  expect(onFree).toHaveBeenCalledOnce();
  await queue.drained();
  expect(b.work).not.toHaveBeenCalled();
  expect(c.work).toHaveBeenCalledOnce();
});

test("that is taken back after it began counts no more, and still is alone", async () => {
  const queue = new WorkQueue(() => undefined);
  const [a, b] = [piece("a", []), piece("b", [])];
  queue.add(a.work);
  queue.takeBack(a.work);
  expect(queue.length).toBe(0);
  await queue.drained();
  queue.add(b.work);
  await turn();
  expect(b.work).not.toHaveBeenCalled();
  a.end();
  await turn();
  expect(b.work).toHaveBeenCalledOnce();
});
