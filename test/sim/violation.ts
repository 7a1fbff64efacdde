/** @file A promise that a world has broken. */

/** What the oracles throw. */
export class Violation extends Error {}

/** Throws  Violation when a promise does not hold. */
export function check(condition: boolean, promise: string): void {
  if (!condition) throw new Violation(`broken: ${promise}`);
}
