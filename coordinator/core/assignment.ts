/**
 * @file Who computes which leaves: pure functions of what is open, who is there and how fast they are.
 *
 * Two goals conflict: all workers end at the same time, and each holds few
 * aligned nodes, since each node is one push of a whole gradient.
 */

import { type LeafRange, leavesOf } from '../../shared/core/work.ts';
import { alignedNodes } from '../../shared/training/reduction.ts';
import { rangesOf } from './round.ts';

/** A decision and the sentence that explains it. */
export interface Decision<T> {
  readonly value: T;
  readonly reason: string;
}

/** A worker as this file sees it. */
export interface Hand {
  /** Any unit, as long as it is the same for all. */
  readonly speed: number;
  /** Leaves that it has yet to compute. */
  readonly numHeld: number;
}

/** A worker that still computes while another has nothing to do. */
export interface Straggler {
  readonly worker: string;
  readonly leavesPerMs: number;
  /** Its open leaves in order, all of them; and those that no other worker computes too. */
  readonly leaves: readonly number[];
  readonly alone: ReadonlySet<number>;
  /** Time since it last brought a node or got its first leaf. */
  readonly quietMs: number;
}

/** Share of a worker's part that may be traded for a boundary that makes fewer nodes. */
const BALANCE_SLACK = 1 / 8;
/** A second computation must promise to be so many times faster than waiting for the first. */
const SPECULATION_GAIN = 2;

/**
 * Divides open leaves so that all hands are free at about the same time.
 *
 * Each gets a contiguous run, in the order given; boundaries move to well aligned leaves where that
 * costs little balance. Returns the leaves of each hand, in the order of `hands`.
 */
export function divide(leaves: readonly number[], hands: readonly Hand[]): number[][] {
  const shares = idealShares(leaves.length, hands);
  const parts: number[][] = [];
  let ideal = 0;
  let first = 0;
  for (const [index, share] of shares.entries()) {
    ideal += share;
    const nextShare = shares[index + 1];
    const limit =
      nextShare === undefined
        ? leaves.length
        : cutNear(leaves, ideal, Math.min(share, nextShare) * BALANCE_SLACK);
    parts.push(leaves.slice(first, Math.max(first, limit)));
    first = Math.max(first, limit);
  }
  return parts;
}

/** Leaves for each hand as real numbers: those that are free first are filled up first. */
function idealShares(numLeaves: number, hands: readonly Hand[]): number[] {
  const byFreeTime = [...hands].sort((a, b) => a.numHeld / a.speed - b.numHeld / b.speed);
  let speed = 0;
  let leaves = numLeaves;
  let endTime = Number.POSITIVE_INFINITY;
  for (const hand of byFreeTime) {
    if (hand.numHeld / hand.speed >= endTime) break;
    speed += hand.speed;
    leaves += hand.numHeld;
    endTime = leaves / speed;
  }
  return hands.map((hand) => Math.max(0, endTime * hand.speed - hand.numHeld));
}

/** The best aligned boundary around `ideal`; the nearest one of those. */
function cutNear(leaves: readonly number[], ideal: number, slack: number): number {
  const reach = Math.max(0.5, slack);
  const last = Math.min(leaves.length, Math.floor(ideal + reach));
  let best = Math.max(0, Math.ceil(ideal - reach));
  for (let cut = best + 1; cut <= last; cut += 1) {
    const gain = alignment(leaves, cut) - alignment(leaves, best);
    const isNearer = Math.abs(cut - ideal) < Math.abs(best - ideal);
    if (gain > 0 || (gain === 0 && isNearer)) best = cut;
  }
  return best;
}

/** Size of the largest subtree that starts at a boundary; where leaves are not adjacent, any fits. */
function alignment(leaves: readonly number[], cut: number): number {
  const after = leaves[cut];
  const before = leaves[cut - 1];
  if (after === undefined || before === undefined || after !== before + 1) return 2 ** 32;
  return after & -after;
}

/**
 * Open nodes of a straggler that an idle worker should compute as well.
 *
 * Whole nodes only: a part of a node would make the straggler's own, nearly finished one useless.
 * From the straggler's end, since it computes from the front; the first complete answer wins.
 */
export function speculate(
  idleLeavesPerMs: number,
  stragglers: readonly Straggler[],
  numLeaves: number,
): Decision<readonly LeafRange[]> {
  let best: { value: LeafRange[]; reason: string; leftMs: number } | undefined;
  for (const straggler of stragglers) {
    const nodes = rangesOf(straggler.leaves).flatMap((range) => alignedNodes(range, numLeaves));
    const leftMs = timeLeftMs(straggler, nodes);
    if (best !== undefined && leftMs <= best.leftMs) continue;
    const canGain = (count: number) => (SPECULATION_GAIN * count) / idleLeavesPerMs <= leftMs;
    const value = tailNodes(nodes, straggler, canGain);
    if (value.length > 0) best = { value, reason: `${straggler.worker} is late`, leftMs };
  }
  return best ?? { value: [], reason: 'no worker is expected to be late' };
}

/** The last nodes that no other worker computes: half of the leaves, or one node if that is more. */
function tailNodes(
  nodes: readonly LeafRange[],
  straggler: Straggler,
  canGain: (count: number) => boolean,
): LeafRange[] {
  const taken: LeafRange[] = [];
  let count = 0;
  for (const node of nodes.toReversed()) {
    if (!leavesOf(node).every((leaf) => straggler.alone.has(leaf))) continue;
    count += node.count;
    const isTooMuch = taken.length > 0 && 2 * count > straggler.leaves.length;
    if (isTooMuch || !canGain(count)) break;
    taken.unshift(node);
  }
  return taken;
}

/** Expected time until a straggler has computed all it holds; one that is overdue stays so as long again. */
function timeLeftMs(straggler: Straggler, nodes: readonly LeafRange[]): number {
  const { leavesPerMs, quietMs, leaves } = straggler;
  const firstMs = (nodes[0]?.count ?? 0) / leavesPerMs;
  return leaves.length / leavesPerMs - firstMs + Math.abs(firstMs - quietMs);
}
