import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KernelEnd } from "./kernel-end.js";

const tell = vi.fn();
let bytes: number;
let isBeingRead: boolean;
let end: KernelEnd;

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockReset();
  bytes = 0;
  isBeingRead = false;
  end = new KernelEnd(tell, { bytes: () => bytes, isBeingRead: () => isBeingRead });
  end.exited(3, false);
});

afterEach(() => {
  end.close();
  vi.useRealTimers();
});

test("nothing more comes of a dead kernel after some silence", () => {
  vi.advanceTimersByTime(250);
  expect(tell).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(tell).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ exitCode: 3 }));
});

test("what has come is read before, however long that takes", () => {
  isBeingRead = true;
  vi.advanceTimersByTime(20_000);
  expect(tell).not.toHaveBeenCalled();
  isBeingRead = false;
  vi.advanceTimersByTime(400);
  expect(tell).toHaveBeenCalledOnce();
});

test("who goes on to write for a dead kernel is heard for some seconds", () => {
  const writing = setInterval(() => bytes++, 100);
  vi.advanceTimersByTime(4000);
  expect(tell).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2000);
  expect(tell).toHaveBeenCalledOnce();
  clearInterval(writing);
});

test("after its close nothing is told", () => {
  vi.advanceTimersByTime(250);
  end.close();
  vi.advanceTimersByTime(10_000);
  expect(tell).not.toHaveBeenCalled();
});

test("who goes on to write so much that it is always being read is not waited for without end", () => {
  isBeingRead = true;
  const writing = setInterval(() => bytes++, 100);
  vi.advanceTimersByTime(31_000);
  expect(tell).toHaveBeenCalledOnce();
  clearInterval(writing);
});
