/** Whether a figure that was sampled over time has grown. */

export interface Trend {
  readonly first: number;
  readonly middle: number;
  readonly last: number;
  readonly isFlat: boolean;
}

/** Before this part of the run is over, heaps and caches still fill. */
const WARM_UP = 0.25;
const WINDOW = 0.25;

/**
 * The lowest quarter of a stretch: what leaks raises the lowest values too, while load, which comes and
 * goes, raises the highest ones.
 */
function lowerQuartile(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 4)] ?? 0;
}

/** A stretch of the run, given by where it begins and ends as parts of the whole; never empty. */
function stretch(values: readonly number[], from: number, to: number): readonly number[] {
  const begin = Math.min(Math.floor(values.length * from), values.length - 1);
  return values.slice(begin, Math.max(begin + 1, Math.ceil(values.length * to)));
}

/** Flat is what ends at most `growthMax` above what it was after the warm-up. */
export function judgeTrend(values: readonly number[], growthMax: number): Trend {
  if (values.length === 0) throw new Error("nothing was sampled");
  const middleFrom = (1 + WARM_UP - WINDOW) / 2;
  const first = lowerQuartile(stretch(values, WARM_UP, WARM_UP + WINDOW));
  const middle = lowerQuartile(stretch(values, middleFrom, middleFrom + WINDOW));
  const last = lowerQuartile(stretch(values, 1 - WINDOW, 1));
  return { first, middle, last, isFlat: last - first <= growthMax };
}

/** The value that `part` of all values do not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
