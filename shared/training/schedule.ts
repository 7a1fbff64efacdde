/** @file The learning rate of each step: a linear warm-up, then one of three shapes. */
import type { ScheduleConfig } from './options.ts';

/** A schedule; only `plateau` has a factor. */
type Schedule = Omit<ScheduleConfig, 'patience' | 'factor'> &
  Partial<Pick<ScheduleConfig, 'factor'>>;

/** The peak of the schedule `rising` over its first rate; it grows by the same factor each step of the warm-up. */
const RISE = 1e5;

/**
 * Learning rate of a step, from 1/warmupSteps of the peak at the first step to `finalRate` at the last.
 *
 * Units  `step` counts from 0; `cuts` are those of the schedule `plateau` so far; the peak is reached at the last step of the warm-up.
 */
export function learningRateAt(
  schedule: Schedule,
  peak: number,
  step: number,
  totalSteps: number,
  cuts = 0,
): number {
  const { name, warmupSteps, finalRate, factor = 1 } = schedule;
  const done = step + 1;
  if (name === 'rising') return peak * RISE ** (Math.min(1, done / warmupSteps) - 1);
  // 1) warm-up; a schedule that ends within it never reaches the peak
  if (done < warmupSteps) return (peak * done) / warmupSteps;
  // 2) at the peak, 0 of the way; at the last step, 1 of the way
  if (name === 'constant') return peak;
  if (name === 'plateau') return Math.max(finalRate, peak * factor ** cuts);
  const start = Math.max(warmupSteps, 1);
  const progress = totalSteps > start ? Math.min((done - start) / (totalSteps - start), 1) : 0;
  // 3) the share of the way down from the peak that is still ahead
  const left = name === 'cosine' ? (1 + Math.cos(Math.PI * progress)) / 2 : 1 - progress;
  return finalRate + (peak - finalRate) * left;
}
