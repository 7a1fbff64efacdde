/** @file Promise P2 in small: one sum, bit for bit, whoever made its parts and whenever they came. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VALUE_TYPES, type ValueType } from '../../shared/core/floats.ts';
import type { LeafRange, NodeTotals } from '../../shared/core/work.ts';
import { roundToBfloat16 } from '../../shared/kernels/bfloat16.ts';
import { addInto } from '../../shared/kernels/values.ts';
import {
  alignedNodes,
  isNode,
  nodeAdder,
  parentOf,
  siblingOf,
  type TreeNode,
  TreeSum,
} from '../../shared/training/reduction.ts';

const LENGTH = 5;
const numLeaves = fc.integer({ min: 1, max: 40 });

/** A value as nodes of a type have it. */
const rounded = (value: number, type: ValueType) =>
  type === 'f32' ? value : roundToBfloat16(value);

/** Leaf i of a step: values of very different sizes, so that the order of additions shows. */
function leafOf(
  seed: number,
  leaf: number,
  type: ValueType,
): { vector: Float32Array; totals: NodeTotals } {
  const value = (k: number) => Math.sin(seed + 31 * leaf + 7 * k) * 10 ** ((leaf * 5 + k) % 7);
  return {
    vector: Float32Array.from({ length: LENGTH }, (_, k) => rounded(value(k), type)),
    totals: { lossSum: value(LENGTH), correct: leaf % 3, samples: 1 + (leaf % 4) },
  };
}

/** The definition, written down once more: halves of the width of a power of two, clipped. */
function reference(
  seed: number,
  first: number,
  width: number,
  count: number,
  type: ValueType = 'f32',
): TreeNode {
  const size = Math.min(width, count - first);
  if (width === 1) return { first, count: 1, ...leafOf(seed, first, type) };
  const half = width / 2;
  const left = reference(seed, first, half, count, type);
  if (first + half >= count) return left;
  const right = reference(seed, first + half, half, count, type);
  const sums = (left.vector as Float32Array).map((value, i) => value + right.vector![i]!);
  const vector = sums.map((value) => rounded(value, type));
  const lossSum = left.totals.lossSum + right.totals.lossSum;
  const correct = left.totals.correct + right.totals.correct;
  const samples = left.totals.samples + right.totals.samples;
  return { first, count: size, vector, totals: { lossSum, correct, samples } };
}

/** What a worker does with one node: adds its leaves, in the given order. */
async function nodeOf(
  seed: number,
  node: LeafRange,
  count: number,
  order: readonly number[],
  type: ValueType,
) {
  const sum = new TreeSum(count, nodeAdder(type), node);
  for (const at of order) {
    const leaf = node.first + at;
    const { vector, totals } = leafOf(seed, leaf, type);
    await sum.add({ first: leaf, count: 1 }, vector, totals);
  }
  return sum.root!;
}

/** A number of leaves, cuts between workers, and an order of arrival for everything. */
const world = numLeaves.chain((count) =>
  fc.record({
    count: fc.constant(count),
    seed: fc.nat(1000),
    type: fc.constantFrom(...VALUE_TYPES),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, count - 1) }), { maxLength: 6 }),
    keys: fc.array(fc.nat(10_000), { minLength: 2 * count, maxLength: 2 * count }),
  }),
);

/** 0..count-1, in an order that the keys decide. */
function shuffled(count: number, keys: readonly number[]): number[] {
  const indices = Array.from({ length: count }, (_, i) => i);
  return indices.sort((a, b) => keys[a]! - keys[b]! || a - b);
}

/** The ranges between cuts, each tiled with its nodes. */
function tilingOf(count: number, cuts: readonly number[]): LeafRange[] {
  const edges = [0, ...cuts.filter((cut) => cut < count).sort((a, b) => a - b), count];
  return edges.slice(1).flatMap((limit, i) => {
    const first = edges[i]!;
    return alignedNodes({ first, count: limit - first }, count);
  });
}

function bits(node: TreeNode): unknown {
  const { first, count, vector, totals } = node;
  return [first, count, [...new Uint32Array(vector!.slice().buffer)], totals];
}

describe('the sum tree', () => {
  it('gives the bits of its definition for any partition over workers and any order of arrival', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ count, seed, type, cuts, keys }) => {
        const tiling = tilingOf(count, cuts);
        const nodes = [];
        for (const node of tiling) {
          nodes.push(await nodeOf(seed, node, count, shuffled(node.count, keys), type));
        }
        const sum = new TreeSum(count, nodeAdder(type));
        for (const at of shuffled(nodes.length, keys.slice(count))) {
          expect(sum.root).toBeUndefined();
          const { first, count: size, vector, totals } = nodes[at]!;
          await sum.add({ first, count: size }, vector, totals);
        }
        const expected = reference(seed, 0, 2 ** Math.ceil(Math.log2(count)), count, type);
        expect(bits(sum.root!)).toEqual(bits(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same bits when the additions take their time and overlap', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), world, async (scheduler, { count, seed, keys }) => {
        const slowly = async (target: Float32Array, source: Float32Array) => {
          await scheduler.schedule(Promise.resolve());
          addInto(target, source);
        };
        const sum = new TreeSum(count, slowly);
        const adding = shuffled(count, keys).map((first) => {
          const { vector, totals } = leafOf(seed, first, 'f32');
          return sum.add({ first, count: 1 }, vector, totals);
        });
        await scheduler.waitFor(Promise.all(adding));
        const expected = reference(seed, 0, 2 ** Math.ceil(Math.log2(count)), count);
        expect(bits(sum.root!)).toEqual(bits(expected));
      }),
      { numRuns: 100 },
    );
  });

  it('has nodes that tile every range, as few as possible', () => {
    fc.assert(
      fc.property(numLeaves, fc.nat(39), fc.nat(40), (count, a, b) => {
        const first = a % count;
        const limit = first + (b % (count - first)) + 1;
        const nodes = alignedNodes({ first, count: limit - first }, count);
        let next = first;
        for (const node of nodes) {
          expect(node.first).toBe(next);
          expect(isNode(node, count)).toBe(true);
          next += node.count;
          const parent = parentOf(node, count);
          const fits = parent && parent.first >= first && parent.first + parent.count <= limit;
          expect(fits ?? false).toBe(false);
        }
        expect(next).toBe(limit);
      }),
      { numRuns: 300 },
    );
  });

  it('has exactly the ranges as nodes that its definition reaches', () => {
    for (let count = 1; count <= 20; count += 1) {
      const reached = new Set<string>();
      for (let width = 1; width < 2 * count; width *= 2) {
        for (let first = 0; first < count; first += width) {
          reached.add(`${first}+${Math.min(width, count - first)}`);
        }
      }
      for (let first = -1; first <= count; first += 1) {
        for (let size = -1; size <= count + 1; size += 1) {
          expect(isNode({ first, count: size }, count), `${first}+${size} of ${count}`).toBe(
            reached.has(`${first}+${size}`),
          );
        }
      }
    }
  });

  it('has siblings that are each other’s, and sum up to their common parent', () => {
    fc.assert(
      fc.property(numLeaves, fc.nat(39), (count, a) => {
        for (let node: LeafRange | undefined = { first: a % count, count: 1 }; node; ) {
          const sibling = siblingOf(node, count);
          const parent = parentOf(node, count);
          expect(sibling === undefined).toBe(node.count === count);
          if (sibling !== undefined) {
            expect(siblingOf(sibling, count)).toEqual(node);
            expect(parentOf(sibling, count)).toEqual(parent);
            expect(isNode(parent!, count)).toBe(true);
          }
          node = parent;
        }
      }),
    );
  });
});
