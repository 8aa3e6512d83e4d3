import { expect, test } from "vitest";
import { GatheredBytes } from "./gathered-bytes.js";

test("pieces of any size are one in the end", () => {
  for (const sizes of [[], [0], [5], [5, 0, 3], [70_000, 1, 70_000], Array(500).fill(777)]) {
    const pieces = sizes.map((size: number, index: number) => Buffer.alloc(size, index));
    const length = sizes.reduce((sum: number, size: number) => sum + size, 0);
    for (const expected of [0, length, length - 1, length + 1, 3]) {
      const bytes = new GatheredBytes(expected);
      for (const piece of pieces) bytes.add(piece);
      expect(bytes.take().equals(Buffer.concat(pieces)), `${sizes}, ${expected}`).toBe(true);
      expect(bytes.length).toBe(length);
    }
  }
});

test("what it was given is left as it was", () => {
  const first = Buffer.from("first");
  const bytes = new GatheredBytes();
  bytes.add(first);
  bytes.add(Buffer.from("second"));
  expect(bytes.take().toString()).toBe("firstsecond");
  expect(first.toString()).toBe("first");
});

test("what is expected is not moved, and takes no more than its length", () => {
  const bytes = new GatheredBytes(1000);
  bytes.add(Buffer.alloc(10));
  bytes.add(Buffer.alloc(10));
  const { buffer } = bytes.take();
  for (let n = 2; n < 100; n++) bytes.add(Buffer.alloc(10));
  expect(bytes.take().buffer).toBe(buffer);
  expect(buffer.byteLength).toBe(1000);
});
