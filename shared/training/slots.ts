/** @file Which device of a worker computes which leaf of a node, and in what order leaves are handed out. */
import type { LeafRange } from '../core/work.ts';

/**
 * The slot, from 0, that computes a leaf of a node.
 *
 * A slot gets runs of neighbouring leaves, so that most of the tree is added on one device. The tree is the same on
 * any device: this changes no bit.
 */
export function slotOf(leaf: number, { first, count }: LeafRange, slots: number): number {
  return Math.floor((leaf - first) / runLength(count, slots)) % slots;
}

/** The leaves of a node in the order in which all slots are busy soonest: the first leaf of each, the second of each, ... */
export function feedOrder({ first, count }: LeafRange, slots: number): number[] {
  const length = runLength(count, slots);
  const turnOf = (leaf: number) => {
    const round = Math.floor((leaf - first) / (length * slots));
    return round * length + ((leaf - first) % length);
  };
  const leaves = Array.from({ length: count }, (_, index) => first + index);
  return leaves.sort((a, b) => turnOf(a) - turnOf(b) || a - b);
}

/** Neighbouring leaves of a slot: the largest power of two with which no slot has more leaves than it must. */
function runLength(count: number, slots: number): number {
  const loadOf = (length: number) => Math.ceil(Math.ceil(count / length) / slots) * length;
  let best = 1;
  for (let length = 2; length <= count; length *= 2)
    if (loadOf(length) <= loadOf(best)) best = length;
  return best;
}
