/**
 * @file Kernels over vectors outside their memory: block by block through a little of it, which a processor's cache holds.
 * Three to six times as fast as plain loops, copies included.
 */
import type { Kernels } from './module.ts';
import { kernelsFor, VectorMemory } from './vectors.ts';

/** Two blocks of them are 64 KiB. */
const BLOCK_VALUES = 8192;
/** For fewer values plain loops are as fast, and nothing need be compiled. */
const VALUES_MIN = 1024;

/** Room for two blocks. */
export interface Blocks {
  readonly kernels: Kernels;
  readonly left: Float32Array;
  readonly right: Float32Array;
  /** In the place of `right`. */
  readonly halves: Uint16Array;
}

let blocks: Blocks | null | undefined;

/** The room of this thread; undefined for short vectors, or where there are no kernels. */
export function blocksFor(length: number): Blocks | undefined {
  if (length < VALUES_MIN) return undefined;
  blocks ??= makeBlocks();
  return blocks ?? undefined;
}

/** Calls `work` for each block of [first, limit), in order. */
export function forEachBlock(
  first: number,
  limit: number,
  work: (at: number, count: number) => void,
): void {
  everyBlock(first, limit, (at, count) => {
    work(at, count);
    return true;
  });
}

/** Whether `judge` is true of every block of [first, limit); the first of which it is not ends it. */
export function everyBlock(
  first: number,
  limit: number,
  judge: (at: number, count: number) => boolean,
): boolean {
  for (let at = first; at < limit; at += BLOCK_VALUES) {
    if (!judge(at, Math.min(BLOCK_VALUES, limit - at))) return false;
  }
  return true;
}

function makeBlocks(): Blocks | null {
  const memory = new VectorMemory();
  const [left, right] = [memory.float32(BLOCK_VALUES), memory.float32(BLOCK_VALUES)];
  const kernels = kernelsFor(left, right);
  if (kernels === undefined) return null;
  return {
    kernels,
    left,
    right,
    halves: new Uint16Array(right.buffer, right.byteOffset, BLOCK_VALUES),
  };
}
