import { expect, test } from "vitest";
import { GatheredBytes } from "./gathered-bytes.js";

test("pieces of any size are one in the end", () => {
  for (const sizes of [[], [0], [5], [5, 0, 3], [70_000, 1, 70_000], Array(500).fill(777)]) {
    const bytes = new GatheredBytes();
    const pieces = sizes.map((size: number, index: number) => Buffer.alloc(size, index));
    for (const piece of pieces) bytes.add(piece);
    expect(bytes.take().equals(Buffer.concat(pieces)), String(sizes)).toBe(true);
    expect(bytes.length).toBe(sizes.reduce((sum: number, size: number) => sum + size, 0));
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
