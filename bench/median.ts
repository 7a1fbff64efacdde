/** @file The figure that a slow moment of the machine does not move. */

/** The middle of some values, NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
