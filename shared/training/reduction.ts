/**
 * @file The fixed binary sum tree that makes a step's gradient the same bits on any cluster (promise P2).
 *
 * Float addition is not associative, so who adds what to what is part of the numbers. Here it depends
 * on the number of leaves alone: a node is a range of 2^k leaves that begins at a multiple of 2^k,
 * clipped at the last leaf, and node(parent) = node(left) + node(right). Where a range of double size
 * would add no leaf, nothing is added: such a parent is its left child. In a run whose gradients are bfloat16 the value of
 * every node is rounded, not what happens to travel: else it would depend on who holds which leaves.
 */

import { assert } from '../core/errors.ts';
import type { ValueType } from '../core/floats.ts';
import type { LeafRange, NodeTotals } from '../core/work.ts';
import { type Add, addBfloat16Into, addInto } from '../kernels/values.ts';

/** What is summed: values of one length, in memory or on a device. */
export interface SumVector {
  readonly length: number;
}

/** A node with its sums. */
export interface TreeNode<V extends SumVector = Float32Array> extends LeafRange {
  /** Undefined for an evaluation, which has no gradient. */
  readonly vector: V | undefined;
  readonly totals: NodeTotals;
}

/** For sums of vectors alone. */
const NO_TOTALS: NodeTotals = { lossSum: 0, correct: 0, samples: 0 };

/** Adds `source` to `target` elementwise; may take its time, in slices. */
export type AddInto<V extends SumVector = Float32Array> = (
  target: V,
  source: V,
) => void | Promise<void>;

/**
 * Adds two nodes elementwise, and rounds each sum to what nodes of a run are rounded to. Leaves are rounded where they are
 * computed, so every node of the tree has that type, on any machine.
 */
export function nodeAdder(type: ValueType): Add {
  return type === 'f32' ? addInto : addBfloat16Into;
}

/** What two nodes add up to. */
export function addTotals(left: NodeTotals, right: NodeTotals): NodeTotals {
  return {
    lossSum: left.lossSum + right.lossSum,
    correct: left.correct + right.correct,
    samples: left.samples + right.samples,
  };
}

/** Whether a range is a node of the tree over `numLeaves` leaves. */
export function isNode(range: LeafRange, numLeaves: number): boolean {
  const { first, count } = range;
  if (!Number.isInteger(first) || !Number.isInteger(count)) return false;
  if (first < 0 || count < 1 || first + count > numLeaves) return false;
  const width = widthOf(count);
  return first % width === 0 && (count === width || first + count === numLeaves);
}

/** The largest nodes that tile a range, in order. */
export function alignedNodes(range: LeafRange, numLeaves: number): LeafRange[] {
  const limit = range.first + range.count;
  const nodes: LeafRange[] = [];
  for (let first = range.first; first < limit; ) {
    let node: LeafRange = { first, count: 1 };
    for (let wider = parentOf(node, numLeaves); wider !== undefined; ) {
      if (wider.first < first || wider.first + wider.count > limit) break;
      node = wider;
      wider = parentOf(node, numLeaves);
    }
    nodes.push(node);
    first += node.count;
  }
  return nodes;
}

/** The node that a node is added to on the way to the root; undefined for the root itself. */
export function siblingOf(node: LeafRange, numLeaves: number): LeafRange | undefined {
  const { first } = node;
  for (let width = widthOf(node.count); width < numLeaves; width *= 2) {
    if (first % (2 * width) !== 0) return { first: first - width, count: width };
    const right = first + width;
    if (right < numLeaves) return { first: right, count: Math.min(width, numLeaves - right) };
  }
  return undefined;
}

/** The smallest node that holds more than `node`; undefined for the root. */
export function parentOf(node: LeafRange, numLeaves: number): LeafRange | undefined {
  const sibling = siblingOf(node, numLeaves);
  if (sibling === undefined) return undefined;
  return { first: Math.min(node.first, sibling.first), count: node.count + sibling.count };
}

/**
 * Sums the nodes below one node, in whatever order and sizes they come.
 *
 * A node is merged with its sibling as soon as both are there, so at most one vector a level waits.
 * Calls of `add` may overlap: nodes that are being merged are removed from the table meanwhile.
 */
export class TreeSum<V extends SumVector = Float32Array> {
  readonly #numLeaves: number;
  readonly #addInto: AddInto<V>;
  readonly #base: LeafRange;
  /** Nodes that wait for their sibling, by their first leaf. */
  readonly #waiting = new Map<number, TreeNode<V>>();
  /** 1 for each leaf of the base that is in the sum. */
  readonly #covered: Uint8Array;
  #root: TreeNode<V> | undefined;

  /** `base` is the node to be summed: the whole tree, or the part of one worker. */
  constructor(numLeaves: number, add: AddInto<V>, base?: LeafRange) {
    this.#numLeaves = numLeaves;
    this.#addInto = add;
    this.#base = base ?? { first: 0, count: numLeaves };
    assert(isNode(this.#base, numLeaves), `${text(this.#base)} of ${numLeaves} is a node`);
    this.#covered = new Uint8Array(this.#base.count);
  }

  /** The sum of all, once everything is in. */
  get root(): TreeNode<V> | undefined {
    return this.#root;
  }

  /**
   * Takes a node in; its vector belongs to the sum from here on, which adds into the left one of two.
   *
   * Throws  INTERNAL when the range is not a node of this sum, or some of its leaves are already added.
   */
  async add(
    range: LeafRange,
    vector: V | undefined,
    { lossSum, correct, samples }: NodeTotals = NO_TOTALS,
  ): Promise<void> {
    this.#cover(range);
    const { first, count } = range;
    let node: TreeNode<V> = { first, count, vector, totals: { lossSum, correct, samples } };
    while (node.count < this.#base.count) {
      const sibling = siblingOf(node, this.#numLeaves);
      const other = sibling && this.#waiting.get(sibling.first);
      if (other === undefined || other.count !== sibling?.count) {
        this.#waiting.set(node.first, node);
        return;
      }
      this.#waiting.delete(other.first);
      node = await (node.first < other.first ? this.#merge(node, other) : this.#merge(other, node));
    }
    this.#root = node;
  }

  async #merge(left: TreeNode<V>, right: TreeNode<V>): Promise<TreeNode<V>> {
    const { vector } = left;
    assert(vector?.length === right.vector?.length, 'vectors of one sum have one length');
    if (vector !== undefined && right.vector !== undefined) {
      await this.#addInto(vector, right.vector);
    }
    const totals = addTotals(left.totals, right.totals);
    return { first: left.first, count: left.count + right.count, vector, totals };
  }

  #cover(range: LeafRange): void {
    const from = range.first - this.#base.first;
    const to = from + range.count;
    const isInside = isNode(range, this.#numLeaves) && from >= 0 && to <= this.#base.count;
    assert(isInside, `${text(range)} is a node of ${text(this.#base)} of ${this.#numLeaves}`);
    assert(!this.#covered.subarray(from, to).includes(1), `${text(range)} is not in the sum yet`);
    this.#covered.fill(1, from, to);
  }
}

/** The power of two that a node of `count` leaves would have unclipped. */
function widthOf(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

function text({ first, count }: LeafRange): string {
  return `leaves ${first}..${first + count}`;
}
