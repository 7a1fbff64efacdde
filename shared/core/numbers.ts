/** @file Figures over some values. */

/** The middle of some values, which a slow moment of a machine does not move; the lower one of two, NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? Number.NaN;
}
