import { expect, test } from "vitest";
import { judgeTrend, percentile } from "./trend.ts";

const rising = (step: number) => Array.from({ length: 40 }, (_, at) => 100 + at * step);
const noisy = (values: readonly number[]) =>
  values.map((value, at) => value + (at % 4 === 1 ? 300 : at % 4));

test("what stays is flat, and what grows is not, also under peaks that come and go", () => {
  expect(judgeTrend(noisy(rising(0)), 5).isFlat).toBe(true);
  expect(judgeTrend(noisy(rising(1)), 5).isFlat).toBe(false);
  expect(judgeTrend(noisy(rising(-1)), 5).isFlat).toBe(true);
});

test("growth up to the limit is flat", () => {
  expect(judgeTrend(rising(1), 20).isFlat).toBe(true);
  expect(judgeTrend(rising(1), 19).isFlat).toBe(false);
});

test("what grows in the warm-up only is flat", () => {
  const values = Array.from({ length: 40 }, (_, at) => Math.min(at, 9) * 100);
  expect(judgeTrend(values, 0)).toEqual({ first: 900, middle: 900, last: 900, isFlat: true });
});

test("a few samples are judged as well, and none are refused", () => {
  expect(judgeTrend([7], 0)).toEqual({ first: 7, middle: 7, last: 7, isFlat: true });
  expect(judgeTrend([1, 9], 7).isFlat).toBe(false);
  expect(() => judgeTrend([], 0)).toThrow("nothing was sampled");
});

test("percentiles", () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect([0.5, 0.99, 1].map((part) => percentile(values, part))).toEqual([50, 99, 100]);
  expect(percentile([], 0.5)).toBe(0);
});
