/** @file How values are distributed, in the buckets of TensorBoard. Pure. */

/** A distribution. Shapes  limits and counts have one length; a bucket ends below its limit. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  readonly limits: Float64Array;
  readonly counts: Float64Array;
}

/** Buckets of a histogram: as many as TensorBoard draws. */
const BUCKETS = 30;

/**
 * The distribution of values, in buckets of one width from the smallest to the largest. Values that are not finite are
 * left out; undefined where none is left.
 */
export function histogramOf(values: Float32Array): Histogram | undefined {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [count, sum, sumOfSquares] = [0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    count += 1;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return undefined;
  // Values that are all alike have a bucket of some width around them.
  const isOne = min === max;
  const first = isOne ? min - 0.5 : min;
  const width = isOne ? 1 / BUCKETS : (max - min) / BUCKETS;
  const limits = Float64Array.from({ length: BUCKETS }, (_, at) => first + width * (at + 1));
  // Rounded, the last one could lie below the largest value.
  if (!isOne) limits[BUCKETS - 1] = max;
  const counts = new Float64Array(BUCKETS);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const at = Math.min(BUCKETS - 1, Math.floor((value - first) / width));
    counts[at] = (counts[at] as number) + 1;
  }
  return { min, max, count, sum, sumOfSquares, limits, counts };
}
