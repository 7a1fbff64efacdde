/** @file Every schedule rises to its peak, then goes down to its final rate without a jump. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../shared/training/schedule.ts';

const cases = fc
  .record({
    name: fc.constantFrom('cosine' as const, 'linear' as const, 'constant' as const),
    warmupSteps: fc.nat(50),
    finalShare: fc.double({ min: 0, max: 1, noNaN: true }),
    peak: fc.double({ min: 1e-6, max: 10, noNaN: true }),
    stepsAfter: fc.integer({ min: 2, max: 200 }),
  })
  .map(({ name, warmupSteps, finalShare, peak, stepsAfter }) => {
    const schedule = { name, warmupSteps, finalRate: finalShare * peak };
    const totalSteps = warmupSteps + stepsAfter;
    const rates = Array.from({ length: totalSteps }, (_, step) =>
      learningRateAt(schedule, peak, step, totalSteps),
    );
    return { schedule, peak, totalSteps, rates };
  });

describe('a schedule', () => {
  it('rises in equal parts to the peak at the end of the warm-up', () => {
    fc.assert(
      fc.property(cases, ({ schedule: { warmupSteps }, peak, rates }) => {
        expect(rates[Math.max(warmupSteps, 1) - 1]).toBeCloseTo(peak, 12);
        for (let step = 0; step < warmupSteps; step += 1) {
          expect(rates[step]).toBeCloseTo((peak * (step + 1)) / warmupSteps, 12);
        }
      }),
    );
  });

  it('then never rises, and is at its final rate in the last step', () => {
    fc.assert(
      fc.property(cases, ({ schedule, peak, rates }) => {
        const after = rates.slice(Math.max(schedule.warmupSteps, 1) - 1);
        after.slice(1).forEach((rate, i) => {
          expect(rate).toBeLessThanOrEqual(after[i]! + 1e-12 * peak);
        });
        const last = schedule.name === 'constant' ? peak : schedule.finalRate;
        expect(rates.at(-1)).toBeCloseTo(last, 12);
      }),
    );
  });

  it('is continuous: from one step to the next it changes by its steepest slope at most', () => {
    fc.assert(
      fc.property(cases, ({ schedule, peak, totalSteps, rates }) => {
        const start = Math.max(schedule.warmupSteps, 1);
        const down = ((Math.PI / 2) * (peak - schedule.finalRate)) / (totalSteps - start);
        const steepest = Math.max(down, peak / start) * (1 + 1e-9);
        rates.slice(1).forEach((rate, i) => {
          expect(Math.abs(rate - rates[i]!)).toBeLessThanOrEqual(steepest);
        });
      }),
    );
  });
});
