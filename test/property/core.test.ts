import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide } from '../../coordinator/core/assignment.ts';
import { agendaOf, totalSteps, trainingRound } from '../../coordinator/core/plan.ts';
import { rangesOf } from '../../coordinator/core/round.ts';
import { leavesOf } from '../../shared/core/work.ts';
import { alignedNodes, isNode } from '../../shared/training/reduction.ts';
import { PLAN } from '../support/core-scene.ts';

const hands = fc.array(
  fc.record({ speed: fc.double({ min: 0.01, max: 100, noNaN: true }), numHeld: fc.nat(20) }),
  { minLength: 1, maxLength: 8 },
);
const leafSet = fc
  .uniqueArray(fc.nat(200), { minLength: 1, maxLength: 64 })
  .map((leaves) => leaves.sort((a, b) => a - b));

describe('dividing leaves', () => {
  it('gives each leaf to exactly one worker, in order', () => {
    fc.assert(
      fc.property(leafSet, hands, (leaves, all) => {
        expect(divide(leaves, all).flat()).toEqual(leaves);
      }),
    );
  });

  it('makes equal idle workers differ by little more than the slack for alignment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 8 }), (count, n) => {
        const leaves = Array.from({ length: count }, (_, leaf) => leaf);
        const parts = divide(leaves, new Array(n).fill({ speed: 1, numHeld: 0 }));
        const largest = Math.max(...parts.map((part) => part.length));
        expect(largest).toBeLessThanOrEqual((count / n) * 1.25 + 1);
      }),
    );
  });
});

describe('nodes', () => {
  it('cover a range exactly, each of them a node, none of them with its sibling', () => {
    const ranges = fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat(99), fc.nat(100));
    fc.assert(
      fc.property(ranges, ([numLeaves, start, length]) => {
        const first = start % numLeaves;
        const count = 1 + (length % (numLeaves - first));
        const nodes = alignedNodes({ first, count }, numLeaves);
        expect(rangesOf(nodes.flatMap(leavesOf))).toEqual([{ first, count }]);
        for (const node of nodes) expect(isNode(node, numLeaves)).toBe(true);
        for (const [index, node] of nodes.entries()) {
          const next = nodes[index + 1];
          if (next === undefined) continue;
          const union = { first: node.first, count: node.count + next.count };
          expect(isNode(union, numLeaves)).toBe(false);
        }
      }),
    );
  });
});

describe('the timetable', () => {
  const plans = fc
    .record({
      epochs: fc.integer({ min: 1, max: 5 }),
      trainSamples: fc.integer({ min: 1, max: 100 }),
      batchSize: fc.integer({ min: 1, max: 100 }),
      microBatch: fc.integer({ min: 1, max: 16 }),
    })
    .map((some) => ({ ...PLAN, ...some }));

  it('covers each sample of each epoch once, and ends once', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const samples = new Array<number>(plan.epochs).fill(0);
        for (let step = 0; step < totalSteps(plan); step += 1) {
          const { epochIndex, batch, numLeaves } = trainingRound(plan, step);
          const left = plan.trainSamples - batch * plan.batchSize;
          samples[epochIndex]! += Math.min(plan.batchSize, left, numLeaves * plan.microBatch);
          expect(agendaOf(plan, step).at(-1)).toBe('train');
        }
        expect(samples).toEqual(samples.map(() => plan.trainSamples));
        expect(agendaOf(plan, totalSteps(plan)).at(-1)).toBe('finish');
      }),
    );
  });
});
