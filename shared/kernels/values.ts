/**
 * @file What is asked of and done to all values of a vector: by its kernels where it has some, by blocks where it is
 * elsewhere, and by the plain loops where there are no kernels.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { firstNonFinite as plainSearch } from '../core/floats.ts';
import * as plain from './bfloat16.ts';
import { type Blocks, blocksFor, everyBlock, forEachBlock } from './blocks.ts';
import { kernelsFor } from './vectors.ts';

/** Values between two turns of the event loop. */
const SLICE_VALUES = 2 ** 22;

/** Index of the first of values[first, limit) that is NaN or infinite; -1 when all are finite. */
export function firstNonFinite(values: Float32Array, first = 0, limit = values.length): number {
  if (areFinite(values, first, limit)) return -1;
  return plainSearch(values, first, limit);
}

/** As `firstNonFinite` of all values, in slices of some milliseconds: other work of the thread has its turns. */
export async function findNonFinite(values: Float32Array): Promise<number> {
  for (let first = 0; first < values.length; first += SLICE_VALUES) {
    const limit = Math.min(first + SLICE_VALUES, values.length);
    const index = firstNonFinite(values, first, limit);
    if (index >= 0) return index;
    await nextTurn();
  }
  return -1;
}

/** Whether kernels find nothing; false where plain loops have to look. */
function areFinite(values: Float32Array, first: number, limit: number): boolean {
  const kernels = kernelsFor(values);
  if (kernels !== undefined) {
    return kernels.areFinite(values.byteOffset + 4 * first, limit - first) === 1;
  }
  const blocks = blocksFor(limit - first);
  if (blocks === undefined) return false;
  const { kernels: own, left } = blocks;
  return everyBlock(first, limit, (at, count) => {
    left.set(values.subarray(at, at + count));
    return own.areFinite(left.byteOffset, count) === 1;
  });
}

/** Rounds values[first, limit) to bfloat16, in place. */
export function roundBfloat16(values: Float32Array, first = 0, limit = values.length): void {
  const kernels = kernelsFor(values);
  if (kernels !== undefined) {
    kernels.roundBfloat16(values.byteOffset + 4 * first, limit - first);
    return;
  }
  const blocks = blocksFor(limit - first);
  if (blocks === undefined) plain.roundBfloat16(values.subarray(first, limit));
  else roundBlocks(values, blocks, first, limit);
}

function roundBlocks(
  values: Float32Array,
  { kernels, left }: Blocks,
  first: number,
  limit: number,
): void {
  forEachBlock(first, limit, (at, count) => {
    left.set(values.subarray(at, at + count));
    kernels.roundBfloat16(left.byteOffset, count);
    values.set(left.subarray(0, count), at);
  });
}

/** Adds a vector to another, elementwise over [first, limit). */
export type Add = (
  target: Float32Array,
  source: Float32Array,
  first?: number,
  limit?: number,
) => void;

/** Adds `source` to `target` over [first, limit), elementwise in float32. */
export const addInto: Add = adding('addInto', (target, source) => {
  for (let i = 0; i < target.length; i += 1) {
    target[i] = (target[i] as number) + (source[i] as number);
  }
});

/** Adds as `addInto` does, then rounds to bfloat16. */
export const addBfloat16Into: Add = adding('addBfloat16Into', plain.addBfloat16Into);

function adding(
  name: 'addInto' | 'addBfloat16Into',
  plainly: (target: Float32Array, source: Float32Array) => void,
): Add {
  return (target, source, first = 0, limit = target.length) => {
    const kernels = kernelsFor(target, source);
    if (kernels !== undefined) {
      const [to, from] = [target.byteOffset + 4 * first, source.byteOffset + 4 * first];
      kernels[name](to, from, limit - first);
      return;
    }
    const blocks = blocksFor(limit - first);
    if (blocks === undefined) {
      plainly(target.subarray(first, limit), source.subarray(first, limit));
      return;
    }
    const { kernels: own, left, right } = blocks;
    forEachBlock(first, limit, (at, count) => {
      left.set(target.subarray(at, at + count));
      right.set(source.subarray(at, at + count));
      own[name](left.byteOffset, right.byteOffset, count);
      target.set(left.subarray(0, count), at);
    });
  };
}

/** Rounds `source` into `target`, 16 bits a value. */
export function toBfloat16(target: Uint16Array, source: Float32Array): void {
  const kernels = kernelsFor(target, source);
  if (kernels !== undefined) {
    kernels.toBfloat16(target.byteOffset, source.byteOffset, source.length);
    return;
  }
  const blocks = blocksFor(source.length);
  if (blocks === undefined) {
    plain.toBfloat16(target, source);
    return;
  }
  const { kernels: own, left, halves } = blocks;
  forEachBlock(0, source.length, (at, count) => {
    left.set(source.subarray(at, at + count));
    own.toBfloat16(halves.byteOffset, left.byteOffset, count);
    target.set(halves.subarray(0, count), at);
  });
}

/**
 * The values of bfloat16 bits, which is exact; returns whether all are finite. `source` may lie in the memory of `target`
 * where each value is read before it is written over, from the first on.
 */
export function fromBfloat16(target: Float32Array, source: Uint16Array): boolean {
  const kernels = kernelsFor(target, source);
  if (kernels !== undefined) {
    kernels.fromBfloat16(target.byteOffset, source.byteOffset, source.length);
    return kernels.areFinite(target.byteOffset, source.length) === 1;
  }
  const blocks = blocksFor(source.length);
  if (blocks === undefined) {
    plain.fromBfloat16(target, source);
    return plainSearch(target, 0, source.length) < 0;
  }
  const { kernels: own, left, halves } = blocks;
  let areAll = true;
  forEachBlock(0, source.length, (at, count) => {
    halves.set(source.subarray(at, at + count));
    own.fromBfloat16(left.byteOffset, halves.byteOffset, count);
    areAll = own.areFinite(left.byteOffset, count) === 1 && areAll;
    target.set(left.subarray(0, count), at);
  });
  return areAll;
}
