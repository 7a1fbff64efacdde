/** @file The learning rate that losses of rising rates suggest. */
import { expect, it } from 'vitest';
import { findRate, isLost, type RatedLoss } from '../../../../tools/recipe/learning-rate.ts';

/** A loss that falls around `steep`, is smallest a hundred times above, and is then lost. */
function losses(steep: number, noise = 0): RatedLoss[] {
  return Array.from({ length: 60 }, (_, at) => {
    const learningRate = 10 ** (-5 + (5 * (at + 1)) / 60);
    const fallen = 1 / (1 + (learningRate / steep) ** 2);
    const risen = (learningRate / (100 * steep)) ** 4;
    return { learningRate, loss: 0.2 + 2 * fallen + risen + noise * Math.sin(7 * at) };
  });
}

it.each([0, 0.02])('suggests where the loss falls fastest, with noise of %d', (noise) => {
  const { suggestion = 0, best } = findRate(losses(1e-3, noise));
  expect(suggestion).toBeGreaterThanOrEqual(5e-4);
  expect(suggestion).toBeLessThanOrEqual(3e-3);
  expect(best).toBeGreaterThan(1e-2);
});

it('suggests nothing where the loss never fell', () => {
  const rising = losses(1e-3).map((it, at) => ({ ...it, loss: 1 + at }));
  expect(findRate(rising).suggestion).toBeUndefined();
});

it('a loss is lost once it is far above the smallest, or no number', () => {
  const good = losses(1e-3).slice(0, 40);
  expect(isLost(good)).toBe(false);
  expect(isLost([...good, { learningRate: 1, loss: Number.NaN }])).toBe(true);
  expect(isLost([...good, ...Array(9).fill({ learningRate: 1, loss: 90 })])).toBe(true);
  const { smoothed } = findRate([...good, { learningRate: 1, loss: Number.NaN }]);
  expect(smoothed).toHaveLength(good.length);
});
