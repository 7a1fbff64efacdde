/** @file Mixup and CutMix: who is mixed with whom, in which shares, and what the images become. */
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../../shared/config/schema.ts';
import { mixImages, planMixing, randomBeta } from '../../../../shared/data/pipeline/mixing.ts';

const SIZE = 8;
const IMAGE = 3 * SIZE * SIZE;

function augmentOf(augment: object) {
  return configSchema.shape.data.parse({ source: 'mnist', augment }).augment;
}

const place = (samples: number[], epoch = 0) => ({ seed: 1, epoch, samples, imageSize: SIZE });
/** Image i is full of i + 1. */
const leaf = (count: number) => ({
  images: Float32Array.from({ length: count * IMAGE }, (_, i) => Math.floor(i / IMAGE) + 1),
  weights: new Float32Array(count).fill(1),
});
const imageOf = (images: Float32Array, at: number) => images.slice(at * IMAGE, (at + 1) * IMAGE);

describe('shares', () => {
  it.each([0.1, 0.2, 0.8, 1, 4])('have the mean and variance of Beta(%f, %f)', (alpha) => {
    const draws = Array.from({ length: 5000 }, (_, i) => randomBeta(alpha, 3, i));
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeCloseTo(1, 1);
    expect(draws.every((share) => share >= 0 && share <= 1)).toBe(true);
  });
});

describe('a plan', () => {
  const augment = augmentOf({ mixup: 0.8, cutmix: 1 });

  it('pairs a leaf with itself reversed, and depends on seed, epoch and sample alone', () => {
    const plan = planMixing(augment, place([5, 9, 2, 7]));
    expect(plan.map(({ partner }) => partner)).toEqual([3, 2, 1, 0]);
    expect(planMixing(augment, place([5, 9, 2, 7]))).toEqual(plan);
    expect(planMixing(augment, place([8, 9, 3, 4]))[1]).toEqual(plan[1]);
    expect(planMixing(augment, place([5, 9, 2, 7], 1))).not.toEqual(plan);
  });

  it('has mixup and CutMix in turn where both are on, and neither beyond its probability', () => {
    const samples = Array.from({ length: 1000 }, (_, i) => i);
    const both = planMixing(augment, place(samples));
    const cut = both.filter(({ box }) => box !== undefined).length;
    expect(cut).toBeGreaterThan(420);
    expect(cut).toBeLessThan(580);
    const rare = planMixing({ ...augment, mixProbability: 0.2 }, place(samples));
    expect(rare.filter(({ share }) => share < 1).length).toBeLessThan(260);
  });
});

describe('images', () => {
  it('of mixup are weighted means of the pair as it was', () => {
    const { images, weights } = leaf(4);
    const plan = planMixing(augmentOf({ mixup: 1 }), place([5, 9, 2, 7]));
    const shares = mixImages({ images, weights }, plan, SIZE);
    for (const [at, { partner, share }] of plan.entries()) {
      const expected = share * (at + 1) + (1 - share) * (partner + 1);
      for (const value of imageOf(images, at)) expect(value).toBeCloseTo(expected, 5);
      expect(shares[at]).toBeCloseTo(share, 6);
    }
  });

  it('of CutMix have as many pixels of the other as its label has share', () => {
    const { images, weights } = leaf(4);
    const plan = planMixing(augmentOf({ cutmix: 1 }), place([5, 9, 2, 7]));
    const shares = mixImages({ images, weights }, plan, SIZE);
    for (let at = 0; at < 4; at += 1) {
      const own = imageOf(images, at).filter((value) => value === at + 1).length;
      expect(own / IMAGE).toBeCloseTo(shares[at]!, 5);
    }
  });

  it('that cannot be read, and the middle of an odd leaf, are mixed with nobody', () => {
    const { images, weights } = leaf(5);
    weights[4] = 0;
    const shares = mixImages(
      { images, weights },
      planMixing(augmentOf({ mixup: 1 }), place([5, 9, 2, 7, 1])),
      SIZE,
    );
    for (const at of [0, 2, 4]) {
      expect(imageOf(images, at)).toEqual(new Float32Array(IMAGE).fill(at + 1));
      expect(shares[at]).toBe(1);
    }
  });
});
