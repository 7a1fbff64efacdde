/** @file The largest micro-batch that fits into a device's memory. Pure: what a size takes is measured by the caller. */
import type { PartMemory } from './program.ts';

/** Of a device's memory, what programs may take: the rest is for what allocators lose between buffers. */
const SHARE = 0.9;
/** Leaves that a device has in hand: one that it computes, and one that waits. */
const LEAVES = 2;
/** Gradients of a node's sum that are kept until they meet their neighbours. */
const SUMS = 4;

/** Bytes of a device that training takes, by the memory of its program. */
export function bytesNeeded(training: PartMemory): number {
  const { code, arguments: taken, outputs, aliases, temporary } = training;
  return code + temporary + LEAVES * (taken + outputs - aliases) + SUMS * outputs;
}

/** Whether training fits. Units  bytes. */
export function isFitting(training: PartMemory, limit: number): boolean {
  return bytesNeeded(training) <= SHARE * limit;
}

/** Micro-batches that divide a batch into equal leaves, at least so many of them; the smallest first. */
export function equalLeaves(batchSize: number, leavesMin: number): number[] {
  const most = Math.max(1, Math.floor(batchSize / leavesMin));
  return Array.from({ length: most }, (_, index) => index + 1).filter(
    (size) => batchSize % size === 0,
  );
}

/**
 * The last of sizes, in growing order, that fits; undefined when the first does not. Where one fits, the smaller ones
 * are taken to fit too: as many are tried as it takes to halve the list until one is left.
 */
export async function largestThatFits(
  sizes: readonly number[],
  fits: (size: number) => Promise<boolean>,
): Promise<number | undefined> {
  let [fitting, limit] = [-1, sizes.length];
  while (limit - fitting > 1) {
    const middle = Math.floor((fitting + limit) / 2);
    if (await fits(sizes[middle] as number)) fitting = middle;
    else limit = middle;
  }
  return sizes[fitting];
}
