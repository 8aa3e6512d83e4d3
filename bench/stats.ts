export interface Summary {
  count: number;
  mean_ms: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  max_ms: number;
}

/** Percentiles by nearest rank, so that each figure is a time that really occurred. */
export function summarize(times: ArrayLike<number>): Summary {
  const sorted = Float64Array.from(times).sort();
  const rank = (share: number) =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return {
    count: sorted.length,
    mean_ms: sorted.reduce((sum, time) => sum + time, 0) / sorted.length,
    p50_ms: rank(0.5),
    p95_ms: rank(0.95),
    p99_ms: rank(0.99),
    max_ms: rank(1),
  };
}

/** The element in the middle when the list is ordered by `key`. */
export function medianBy<T>(items: readonly T[], key: (item: T) => number): T {
  const sorted = [...items].sort((left, right) => key(left) - key(right));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("There is no median of nothing.");
  return middle;
}
