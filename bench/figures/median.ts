/** @file How far the slow moments of a machine reach. */

export { median } from '../../shared/core/numbers.ts';

/** `0.83 to 1.15`: the least and the largest of some values. */
export function rangeOf(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

/** Each value over the one at its place among the others. */
export function ratiosOf(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, place) => value / (others[place] as number));
}
