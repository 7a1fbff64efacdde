/** @file The shape of the sum tree: which ranges of leaves are its nodes. */
import type { LeafRange } from './messages.ts';

/** Whether a range of leaves is a node of the tree over `numLeaves` leaves (the last ones may be short). */
export function isNode(range: LeafRange, numLeaves: number): boolean {
  const { first, count } = range;
  if (count < 1 || first < 0 || first + count > numLeaves) return false;
  const size = 2 ** Math.ceil(Math.log2(count));
  return first % size === 0 && first + count === Math.min(first + size, numLeaves);
}

/** The largest nodes that a range of leaves consists of, in order. */
export function alignedNodes(range: LeafRange, numLeaves: number): LeafRange[] {
  const nodes: LeafRange[] = [];
  const limit = range.first + range.count;
  for (let first = range.first; first < limit; ) {
    let count = 1;
    for (let size = 2; first % size === 0; size *= 2) {
      const clipped = Math.min(size, numLeaves - first);
      if (clipped === count || first + clipped > limit) break;
      count = clipped;
    }
    nodes.push({ first, count });
    first += count;
  }
  return nodes;
}
