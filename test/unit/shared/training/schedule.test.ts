/** @file Learning rates by hand; the rest is in test/property/schedule.test.ts and the golden numbers. */
import { describe, expect, it } from 'vitest';
import { clipScale, sumOfSquares } from '../../../../shared/training/clip.ts';
import type { ScheduleConfig } from '../../../../shared/training/options.ts';
import { learningRateAt } from '../../../../shared/training/schedule.ts';

function ratesOf(schedule: Partial<ScheduleConfig>, totalSteps: number): number[] {
  const whole = { name: 'linear' as const, warmupSteps: 0, finalRate: 0, ...schedule };
  return Array.from({ length: totalSteps }, (_, step) =>
    learningRateAt(whole, 8, step, totalSteps),
  );
}

describe('the learning rate of a peak of 8', () => {
  it.each<[string, Partial<ScheduleConfig>, number[]]>([
    ['falls linearly', {}, [8, 6, 4, 2, 0]],
    ['warms up, then falls', { warmupSteps: 3 }, [8 / 3, 16 / 3, 8, 4, 0]],
    ['falls to a final rate', { warmupSteps: 1, finalRate: 4 }, [8, 7, 6, 5, 4]],
    [
      'falls as a cosine',
      { name: 'cosine' },
      [8, 4 + 4 * Math.SQRT1_2, 4, 4 - 4 * Math.SQRT1_2, 0],
    ],
    ['stays', { name: 'constant', warmupSteps: 2, finalRate: 1 }, [4, 8, 8, 8, 8]],
    ['only warms up in a run that is as short', { warmupSteps: 5 }, [1.6, 3.2, 4.8, 6.4, 8]],
    ['does not get to the peak in a shorter run', { warmupSteps: 8 }, [1, 2, 3, 4, 5]],
    ['is the peak in a run of one step', {}, [8]],
  ])('%s', (_, schedule, expected) => {
    const rates = ratesOf(schedule, expected.length);
    expect(rates).toHaveLength(expected.length);
    rates.forEach((rate, step) => {
      expect(rate).toBeCloseTo(expected[step]!, 12);
    });
  });

  it('stays at the final rate past the end', () => {
    const schedule = { name: 'cosine' as const, warmupSteps: 2, finalRate: 1 };
    expect(learningRateAt(schedule, 8, 99, 10)).toBe(1);
  });
});

describe('clipping', () => {
  it.each([
    ['a norm below the bound is left alone', 0.5, 1, 1],
    ['a norm above it is brought down', 4, 1, 1 / (4 + 1e-6)],
    ['0 is no bound', 4, 0, 1],
    ['a gradient of zeros is left alone', 0, 1, 1],
  ])('%s', (_, norm, maxNorm, expected) => {
    expect(clipScale(norm, maxNorm)).toBe(expected);
  });

  it('the norm is the same bits however it is sliced, and in float64', () => {
    const vector = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** (i % 9));
    const whole = sumOfSquares(vector);
    let sliced = 0;
    for (let first = 0; first < 1000; first += 77) {
      sliced = sumOfSquares(vector, first, Math.min(first + 77, 1000), sliced);
    }
    expect(sliced).toBe(whole);
    expect(sumOfSquares(Float32Array.of(3e38, 3e38))).toBeCloseTo(1.8e77, -71);
  });
});
