/** @file The values of a tensor that lies in a storage with strides, in row-major order. */
import { TesseraError } from '../../core/errors.ts';

/** Where a tensor's values are. Units  offset and strides in values. */
export interface StridedTensor {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  /** Bytes of a value. */
  readonly width: number;
  readonly stored: Uint8Array;
}

/**
 * A tensor's bytes in row-major order: a view where it lies so, else a copy, which is taken from the budget.
 *
 * Throws  DATA_INVALID when it reaches beyond its storage, or the budget is used up.
 */
export function gather(name: string, tensor: StridedTensor, budget: { left: number }): Uint8Array {
  const { shape, strides, offset, width, stored } = tensor;
  const size = shape.reduce((product, side) => product * side, 1);
  const span = shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] ?? 0), 1);
  const isInside = size === 0 || (offset + span) * width <= stored.length;
  if (!isInside || !Number.isSafeInteger(size)) {
    throw invalid(`is damaged: tensor ${JSON.stringify(name)} reaches beyond its storage`);
  }
  if (size === 0 || isRowMajor(shape, strides)) {
    return stored.subarray(offset * width, (offset + size) * width);
  }
  budget.left -= size * width;
  if (budget.left < 0) {
    throw invalid(`has tensors that together are larger than itself, ${JSON.stringify(name)} last`);
  }
  const bytes = new Uint8Array(size * width);
  const at = new Array<number>(shape.length).fill(0);
  for (let target = 0; target < bytes.length; target += width) {
    const source = at.reduce((sum, index, axis) => sum + index * (strides[axis] ?? 0), offset);
    bytes.set(stored.subarray(source * width, (source + 1) * width), target);
    advance(at, shape);
  }
  return bytes;
}

/** The next index in row-major order. */
function advance(at: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const next = (at[axis] ?? 0) + 1;
    at[axis] = next === shape[axis] ? 0 : next;
    if (at[axis] !== 0) return;
  }
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const side = shape[axis] ?? 1;
    // The stride of an axis of one value is never used.
    if (side !== 1 && strides[axis] !== expected) return false;
    expected *= side;
  }
  return true;
}

function invalid(what: string): TesseraError {
  return new TesseraError('DATA_INVALID', `the file ${what}`, {
    hint: 'copy or download the file again',
  });
}
