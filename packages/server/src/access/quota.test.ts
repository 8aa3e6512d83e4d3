import { expect, test } from "vitest";
import { HourWindow, TokenBucket } from "./quota.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test("a bucket gives a minute's worth at once and then says how long to wait", () => {
  const bucket = new TokenBucket(3, 0);
  expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 0]);
  expect(bucket.take(0)).toBe(20_000);
  expect(bucket.take(19_999)).toBe(1);
  expect(bucket.take(20_000)).toBe(0);
  expect(bucket.take(20_000)).toBe(20_000);
});

test("a bucket saves up a minute's worth and no more", () => {
  const bucket = new TokenBucket(2, 0);
  expect(bucket.take(10 * HOUR)).toBe(0);
  expect(bucket.used(10 * HOUR)).toBe(1);
  expect(bucket.take(10 * HOUR)).toBe(0);
  expect(bucket.take(10 * HOUR)).toBe(30_000);
});

test("a refused request costs nothing", () => {
  const bucket = new TokenBucket(60, 0);
  for (let i = 0; i < 60; i++) bucket.take(0);
  for (let i = 0; i < 1000; i++) expect(bucket.take(0)).toBe(1000);
  expect(bucket.take(1000)).toBe(0);
});

test("an hour's window forgets by the minute, an hour later", () => {
  const window = new HourWindow(0);
  window.add(5, 30_000);
  window.add(7, 90_000);
  expect(window.sum(HOUR - 1)).toBe(12);
  expect(window.sum(HOUR)).toBe(7);
  expect(window.sum(HOUR + MINUTE - 1)).toBe(7);
  expect(window.sum(HOUR + MINUTE)).toBe(0);
});

test("a long silence empties the window", () => {
  const window = new HourWindow(0);
  for (let minute = 0; minute < 60; minute++) window.add(1, minute * MINUTE);
  expect(window.sum(59 * MINUTE)).toBe(60);
  expect(window.sum(1000 * HOUR)).toBe(0);
});

test("the window says when there is room again, and is right", () => {
  const window = new HourWindow(5 * MINUTE);
  window.add(4, 5 * MINUTE);
  window.add(4, 6 * MINUTE);
  window.add(4, 20 * MINUTE);
  const now = 30 * MINUTE;
  expect(window.belowIn(12.5, now)).toBe(0);
  for (const [limit, opensAt] of [
    [12, 65 * MINUTE],
    [8, 66 * MINUTE],
    [4, 80 * MINUTE],
  ] as const) {
    expect(window.belowIn(limit, now)).toBe(opensAt - now);
  }
  expect(window.belowIn(8, 66 * MINUTE - 1)).toBe(1);
  expect(window.belowIn(8, 66 * MINUTE)).toBe(0);
});
