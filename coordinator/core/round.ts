/**
 * @file The open round: which of its leaves are done, and what may still join its sum.
 *
 * A node joins at most once and only whole, so the sum is the same whichever worker computed what (P2, P4).
 */

import type { ArrivedNode, PushOutcome } from '../../shared/contract/messages.ts';
import { assert } from '../../shared/core/errors.ts';
import { type LeafRange, leavesOf, type NodeTotals } from '../../shared/core/work.ts';
import { addTotals, isNode } from '../../shared/training/reduction.ts';
import type { RoundPlace } from './plan.ts';

/** One round, from its opening until the next is opened. */
export class Round {
  readonly place: RoundPlace;
  /** Nodes that joined, by their first leaf. */
  readonly #nodes = new Map<number, ArrivedNode>();
  readonly #open: Set<number>;

  constructor(place: RoundPlace) {
    this.place = place;
    this.#open = new Set(Array.from({ length: place.numLeaves }, (_, leaf) => leaf));
  }

  /** Leaves that no accepted node covers, in order. */
  get openLeaves(): number[] {
    return [...this.#open];
  }

  get numOpen(): number {
    return this.#open.size;
  }

  get isComplete(): boolean {
    return this.#open.size === 0;
  }

  /** How a node would be taken now; changes nothing. */
  judge(node: ArrivedNode): PushOutcome {
    const { kind, stepIndex, version, numLeaves } = this.place;
    if (node.kind !== kind || node.step !== stepIndex || node.version !== version) return 'stale';
    if (!isNode(node, numLeaves)) return 'stale';
    return leavesOf(node).every((leaf) => this.#open.has(leaf)) ? 'accepted' : 'acceptedBefore';
  }

  /** Takes in a node that was judged `accepted`. */
  accept(node: ArrivedNode): void {
    assert(this.judge(node) === 'accepted', 'only a node that fits the open round joins its sum');
    this.#nodes.set(node.first, node);
    for (const leaf of leavesOf(node)) this.#open.delete(leaf);
  }

  /** What the samples of the complete round add up to, added along the tree as the gradients are. */
  get totals(): NodeTotals {
    assert(this.isComplete, 'a round has totals once it is complete');
    return this.#totalsOf(0, this.place.numLeaves);
  }

  #totalsOf(first: number, count: number): NodeTotals {
    const node = this.#nodes.get(first);
    if (node !== undefined && node.count >= count) {
      return { lossSum: node.lossSum, correct: node.correct, samples: node.samples };
    }
    const leftCount = largestPowerOfTwoBelow(count);
    const left = this.#totalsOf(first, leftCount);
    const right = this.#totalsOf(first + leftCount, count - leftCount);
    return addTotals(left, right);
  }
}

/** Half-open ranges that cover the given leaves, which are in order. */
export function rangesOf(leaves: readonly number[]): LeafRange[] {
  const ranges: { first: number; count: number }[] = [];
  for (const leaf of leaves) {
    const last = ranges.at(-1);
    if (last !== undefined && last.first + last.count === leaf) last.count += 1;
    else ranges.push({ first: leaf, count: 1 });
  }
  return ranges;
}

/** The left child of a node of `count` leaves is the largest full subtree that leaves a right one. */
function largestPowerOfTwoBelow(count: number): number {
  return 2 ** (Math.ceil(Math.log2(count)) - 1);
}
