/** @file Garbage is never the best version: a loss that is not finite, or beyond all sense, whatever is right by chance. */
import { expect, it } from 'vitest';
import { Best } from '../../../../coordinator/core/best.ts';
import type { RunPlan } from '../../../../coordinator/core/messages.ts';
import { RunProgress } from '../../../../coordinator/step/progress.ts';

const PLAN = { validationSamples: 10, testSamples: 10 } as RunPlan;
const totals = (loss: number, correct: number, samples = 10) => ({
  ...{ lossSum: loss * samples, correct, samples, badSamples: [] },
  timings: { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 },
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, 1001])('a loss of %d', (loss) => {
  const best = new Best(PLAN, undefined);
  expect(best.judged('validate', 1, totals(loss, 9))).toBe(false);
  expect(best.version).toBeUndefined();
  expect(best.judged('validate', 2, totals(2.3, 1))).toBe(true);
  expect(best.judged('validate', 3, totals(loss, 9))).toBe(false);
  expect(best.judged('validate', 4, totals(999, 2))).toBe(true);
  expect(best.version).toBe(4);
  const { best: kept } = new RunProgress(0, {
    ...{ evaluation: undefined, seconds: 1 },
    best: { version: 1, epoch: 1, loss, accuracy: 0.9 },
  });
  expect(kept).toBeUndefined();
});

it('an evaluation without a sample', () => {
  expect(new Best(PLAN, undefined).judged('validate', 1, totals(0, 0, 0))).toBe(false);
});
