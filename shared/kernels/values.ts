/** @file What is asked of and done to all values of a vector: by its kernels where it has some, otherwise by the plain loops. */

import { firstNonFinite as plainSearch } from '../core/floats.ts';
import * as plain from './bfloat16.ts';
import { kernelsFor } from './vectors.ts';

/** Index of the first of values[first, limit) that is NaN or infinite; -1 when all are finite. */
export function firstNonFinite(values: Float32Array, first = 0, limit = values.length): number {
  const kernels = kernelsFor(values);
  const areFinite = kernels?.areFinite(values.byteOffset + 4 * first, limit - first) === 1;
  return areFinite ? -1 : plainSearch(values, first, limit);
}

/** Rounds values[first, limit) to bfloat16, in place. */
export function roundBfloat16(values: Float32Array, first = 0, limit = values.length): void {
  const kernels = kernelsFor(values);
  if (kernels === undefined) plain.roundBfloat16(values.subarray(first, limit));
  else kernels.roundBfloat16(values.byteOffset + 4 * first, limit - first);
}

/** Adds `source` to `target` over [first, limit) in float32, then rounds to bfloat16. */
export function addBfloat16Into(
  target: Float32Array,
  source: Float32Array,
  first = 0,
  limit = target.length,
): void {
  const kernels = kernelsFor(target, source);
  if (kernels === undefined) {
    plain.addBfloat16Into(target.subarray(first, limit), source.subarray(first, limit));
  } else {
    const [to, from] = [target.byteOffset + 4 * first, source.byteOffset + 4 * first];
    kernels.addBfloat16Into(to, from, limit - first);
  }
}

/** Rounds `source` into `target`, 16 bits a value. */
export function toBfloat16(target: Uint16Array, source: Float32Array): void {
  const kernels = kernelsFor(target, source);
  if (kernels === undefined) plain.toBfloat16(target, source);
  else kernels.toBfloat16(target.byteOffset, source.byteOffset, source.length);
}

/** The values of bfloat16 bits, which is exact. */
export function fromBfloat16(target: Float32Array, source: Uint16Array): void {
  const kernels = kernelsFor(target, source);
  if (kernels === undefined) plain.fromBfloat16(target, source);
  else kernels.fromBfloat16(target.byteOffset, source.byteOffset, source.length);
}
