import { expect, test } from "vitest";
import { asBoundedJson, dataShown } from "./data-shown.js";

const numbers = (length: number, value = (n: number) => n) =>
  Array.from({ length }, (_, n) => value(n));
/** What is told of a value, and whether it is as short as it has to be. */
function told(value: unknown, charactersMax = 4000) {
  const text = asBoundedJson(value, charactersMax) ?? "null";
  expect(text.length).toBeLessThanOrEqual(charactersMax);
  return JSON.parse(text);
}

test("what is short is told as it is", () => {
  const chart = { type: "line", axes: [{ series: [{ x: numbers(50), y: numbers(50) }] }] };
  expect(told(chart)).toEqual(chart);
  expect(told(null)).toBe(null);
});

test("a long series is told by points from the first to the last, those of x and of y alike", () => {
  const series = { label: "sine", x: numbers(500), y: numbers(500, (n) => n * 1000) };
  const { axes } = told({ type: "line", title: "T", axes: [{ series: [series] }] });
  const { x, y, label, left_out } = axes[0].series[0];
  expect([label, x[0], x.at(-1), y[0], y.at(-1)]).toEqual(["sine", 0, 499, 0, 499_000]);
  expect(y).toEqual(x.map((n: number) => n * 1000));
  expect(x.length).toBeGreaterThan(100);
  expect(left_out).toEqual({ x: 500 - x.length, y: 500 - x.length });
  const gaps = x.slice(1).map((n: number, at: number) => n - x[at]);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
});

test("many series, a heat map and a wide table are sampled in both directions", () => {
  const series = numbers(100).map((n) => ({ label: `s${n}`, x: numbers(500), y: numbers(500) }));
  const { axes } = told({ axes: [{ series }] });
  expect(axes[0].series.at(-1).label).toBe("s99");
  expect(axes[0].left_out).toEqual({ series: 100 - axes[0].series.length });
  const map = {
    shape: [50, 50],
    y: numbers(50),
    values: numbers(50).map((n) => numbers(50, (m) => n * m)),
  };
  const sampled = told(map);
  expect([sampled.values.length, sampled.values.at(-1).at(-1)]).toEqual([
    sampled.y.length,
    49 * 49,
  ]);
  const columns = numbers(30).map((n) => ({ name: `column ${n}`, dtype: "float64" }));
  const head = numbers(10).map(() => numbers(30, (n) => n + 0.123456789));
  const table = told({ shape: [10 ** 6, 30], columns, head }, 2000);
  expect(table.columns.at(-1).name).toBe("column 29");
  expect(table.head[0]).toHaveLength(table.columns.length);
  expect(table.left_out).toEqual({
    columns: 30 - table.columns.length,
    head: 10 - table.head.length,
  });
});

test("a bar of a histogram keeps the edge at its left", () => {
  const { edges, heights, left_out } = told({ edges: numbers(1001), heights: numbers(1000) });
  expect(edges).toEqual(heights);
  expect(left_out).toEqual({ edges: 1001 - edges.length, heights: 1000 - edges.length });
  expect(told({ edges: numbers(11), heights: numbers(10) })).toEqual({
    ...{ edges: numbers(11), heights: numbers(10) },
  });
});

test("long texts are cut, and so is what is deep", () => {
  expect(told({ data: "x".repeat(10 ** 6) })).toEqual({ data: `${"x".repeat(200)}…` });
  let deep: unknown = "x".repeat(5000);
  for (let depth = 0; depth < 500; depth++) deep = [deep];
  expect(JSON.stringify(told(deep))).toContain("…");
});

test("what a guest makes up to be endless is left out, soon", () => {
  let wide: unknown = numbers(1000);
  for (let depth = 0; depth < 10; depth++) wide = Array(1000).fill(wide);
  const names = Object.fromEntries(numbers(100_000).map((n) => [`name ${n}`, n]));
  const startedAt = performance.now();
  expect(asBoundedJson(wide, 4000)).toBeUndefined();
  expect(asBoundedJson(names, 4000)).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(500);
  const data = { "application/vnd.glovebox.table+json": names };
  expect(dataShown([{ output_type: "display_data", data, metadata: {} }])).toEqual([
    '{"left_out":{"charts and tables":1}}',
  ]);
});

test("a drawing that no model takes is told in words", () => {
  const svg = { "image/svg+xml": "<svg width='10' height='5'><title>Map</title></svg>" };
  const chart = { "application/vnd.glovebox.chart+json": { type: "line" } };
  const outputs = [svg, { ...svg, ...chart }, { ...svg, "image/png": "aGk=" }].map((data) => ({
    ...{ output_type: "display_data" as const, data, metadata: {} },
  }));
  expect(dataShown(outputs).map((text) => JSON.parse(text))).toEqual([
    { image: '(an SVG drawing "Map", 10 × 5, 51 characters)' },
    { type: "line" },
  ]);
});
