/** @file The numbers of training that are chosen for so many images, and weights of classes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balancedWeights, weighClasses } from '../../../../shared/training/class-weights.ts';
import {
  fittingBatch,
  fittingEpochs,
  fittingLeaf,
  fittingRate,
} from '../../../../shared/training/fitting.ts';
import { afterEvaluation, NO_PLATEAU } from '../../../../shared/training/plateau.ts';

const kind = fc.constantFrom('head' as const, 'finetune' as const, 'scratch' as const);

describe('numbers that fit', () => {
  it('a batch is no larger than the set, and the last one of an epoch is nearly as large as the others', () => {
    fc.assert(
      fc.property(kind, fc.integer({ min: 1, max: 100_000 }), (of, samples) => {
        const batch = fittingBatch(of, samples);
        const steps = Math.ceil(samples / batch);
        expect(batch).toBeLessThanOrEqual(Math.min(samples, 128));
        expect(samples - (steps - 1) * batch).toBeGreaterThan(batch - steps);
      }),
    );
  });

  it('a leaf is a part of the batch, and few of its places are empty', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4096 }), fc.constantFrom(1, 2), (batch, least) => {
        const leaf = fittingLeaf(batch, least);
        expect(leaf).toBeGreaterThanOrEqual(least);
        expect(leaf).toBeLessThanOrEqual(Math.min(16, Math.max(batch, least)));
        expect(Math.ceil(batch / leaf) * leaf - batch).toBeLessThan(leaf);
      }),
    );
  });

  it.each([
    ['head', 225, 20, 45],
    ['head', 1800, 11, 120],
    ['finetune', 1377, 6, 48],
    ['finetune', 4500, 3, 48],
    ['scratch', 1800, 56, 90],
  ] as const)('%s on %i images: %i epochs of batches of %i', (of, samples, epochs, batch) => {
    expect(fittingEpochs(of, samples)).toBe(epochs);
    expect(fittingBatch(of, samples)).toBe(batch);
  });

  it('a rate is smaller for weights that are trained already, unless lower layers have less of it', () => {
    const rate = (of: 'head' | 'finetune' | 'scratch', layerDecay: number) =>
      fittingRate(of, { name: 'adamw', layerDecay });
    expect([rate('head', 1), rate('finetune', 1), rate('finetune', 0.7)]).toEqual([
      1e-3, 1e-4, 5e-4,
    ]);
    expect(fittingRate('scratch', { name: 'sgd', layerDecay: 1 })).toBe(0.05);
  });
});

describe('weights of classes', () => {
  it('count each class alike, and an image 1 on average', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2 }), (counts) => {
        const weights = balancedWeights(counts);
        const all = counts.reduce((sum, count) => sum + count, 0);
        for (const [label, count] of counts.entries()) {
          expect(count * (weights[label] as number)).toBeCloseTo(all / counts.length, 6);
        }
      }),
    );
    expect(balancedWeights([20, 1, 0])).toEqual([0.525, 10.5, 1]);
  });

  it('leave padding and unreadable images at 0; a mixed image has its share of both', () => {
    const labels = Int32Array.of(0, 1, 1, 0);
    const weights = Float32Array.of(1, 1, 0, 1);
    const mix = { labels: Int32Array.of(0, 0, 0, 1), shares: Float32Array.of(1, 0.75, 1, 0.5) };
    weighClasses({ labels, weights }, mix, [0.5, 2]);
    expect([...weights]).toEqual([0.5, 1.625, 0, 1.25]);
    const plain = Float32Array.of(1, 1, 0, 1);
    weighClasses({ labels, weights: plain }, undefined, [0.5, 2]);
    expect([...plain]).toEqual([0.5, 2, 0, 0.5]);
  });
});

it('a plateau is cut after its patience, and counts anew from there', () => {
  const after = (epochs: readonly [epoch: number, isBest: boolean][]) =>
    epochs.reduce((at, [epoch, isBest]) => afterEvaluation(at, { epoch, isBest }, 2), NO_PLATEAU);
  expect(
    after([
      [1, true],
      [2, false],
    ]),
  ).toEqual({ cuts: 0, since: 1 });
  expect(
    after([
      [1, true],
      [2, false],
      [3, false],
    ]),
  ).toEqual({ cuts: 1, since: 3 });
  expect(
    after([
      [1, true],
      [2, false],
      [3, false],
      [4, false],
    ]),
  ).toEqual({ cuts: 1, since: 3 });
  expect(
    after([
      [1, true],
      [3, false],
      [4, true],
      [5, false],
      [6, false],
    ]),
  ).toEqual({
    cuts: 2,
    since: 6,
  });
});
