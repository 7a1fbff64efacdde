/** @file The few promise helpers that Node 20 lacks. */
import type { Clock } from './clock.ts';
import { TesseraError } from './errors.ts';

/** A promise and the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Makes a promise that is settled from outside. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/**
 * Waits for `promise`, but no longer than `limitMs`.
 *
 * Throws  TIMEOUT with `what` in its sentence.
 */
export async function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  limitMs: number,
  what: string,
): Promise<T> {
  const cancel = new AbortController();
  const expired = clock.sleep(limitMs, cancel.signal).then(() => {
    throw new TesseraError('TIMEOUT', `${what} took longer than ${limitMs} ms`);
  });
  expired.catch(() => {});
  try {
    return await Promise.race([promise, expired]);
  } finally {
    cancel.abort();
  }
}
