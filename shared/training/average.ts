/** @file The moving average of the weights, which generalises better than the weights themselves. */
import { kernelsFor } from '../kernels/vectors.ts';

/**
 * Decay at a step: low at first, so that the average does not remember the random beginning.
 *
 * Units  `step` counts from 1.
 * Source  the schedule (1 + n) / (10 + n) of TensorFlow's ExponentialMovingAverage; the average itself is
 *         Polyak and Juditsky 1992.
 */
export function averageDecayAt(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

/** Moves `average` towards `values` over [first, limit): average = decay * average + (1 - decay) * value. */
export function updateAverage(
  average: Float32Array,
  values: Float32Array,
  decay: number,
  first = 0,
  limit = average.length,
): void {
  const kernels = kernelsFor(average, values);
  if (kernels !== undefined) {
    const at = 4 * first;
    kernels.moveAverage(average.byteOffset + at, values.byteOffset + at, limit - first, decay);
    return;
  }
  const gain = 1 - decay;
  for (let i = first; i < limit; i += 1) {
    average[i] = decay * (average[i] as number) + gain * (values[i] as number);
  }
}
