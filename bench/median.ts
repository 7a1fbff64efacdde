/** @file The figure that a slow moment of the machine does not move, and how far such moments reach. */

/** The middle of some values, NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** `0.83 to 1.15`: the least and the largest of some values. */
export function rangeOf(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

/** Each value over the one at its place among the others. */
export function ratiosOf(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, place) => value / (others[place] as number));
}
