/** @file How long a run will take, as far as it can be known. */
import { expect, it } from 'vitest';
import { RunProgress } from '../../../../coordinator/step/progress.ts';

const totals = { samples: 8, lossSum: 8, correct: 4 };

/** Notes steps of so many milliseconds each, from the first on. */
function after(progress: RunProgress, ...stepsMs: readonly number[]): RunProgress {
  let nowMs = 0;
  for (const [at, ms] of stepsMs.entries()) {
    nowMs += ms;
    progress.stepDone({ step: at + 1, epoch: 1, learningRate: 1, gradientNorm: 1 }, totals, nowMs);
  }
  return progress;
}

it('is the steps left at the present speed', () => {
  expect(after(new RunProgress(0, undefined), 100, 100).etaSeconds(10)).toBeCloseTo(1);
});

it('is not known while features are computed, then that of steps that have them', () => {
  const slow = [5000, 5000, 5000];
  const progress = (...more: number[]) => after(new RunProgress(0, undefined, 3), ...slow, ...more);
  expect(after(new RunProgress(0, undefined, 3), 5000).etaSeconds(20)).toBeNaN();
  expect(progress().etaSeconds(20)).toBeNaN();
  expect(progress(10).etaSeconds(20)).toBeCloseTo(0.2);
  expect(progress(10).last?.imagesPerSecond).toBeCloseTo(800);
});

it('is known where all that is left is as slow as what was, and where nothing is left', () => {
  expect(after(new RunProgress(0, undefined, 3), 5000).etaSeconds(2)).toBeCloseTo(10);
  expect(after(new RunProgress(0, undefined, 1), 5000).etaSeconds(0)).toBe(0);
});
