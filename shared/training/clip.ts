/** @file Clipping by global norm: one factor for the whole gradient, from its norm over all parameters. */
import { kernelsFor } from '../kernels/vectors.ts';

/** Keeps the factor finite for a gradient of zeros, as torch.nn.utils.clip_grad_norm_ does. */
const NORM_EPSILON = 1e-6;

/**
 * Adds the squares over [first, limit) to `sum`, in float64 and in order: however a vector is cut into
 * slices, the same additions are made.
 */
export function sumOfSquares(
  vector: Float32Array,
  first = 0,
  limit = vector.length,
  sum = 0,
): number {
  const kernels = kernelsFor(vector);
  if (kernels !== undefined) {
    return kernels.sumOfSquares(vector.byteOffset + 4 * first, limit - first, sum);
  }
  let total = sum;
  for (let i = first; i < limit; i += 1) {
    const value = vector[i] as number;
    total += value * value;
  }
  return total;
}

/** The factor that brings a gradient of global norm `norm` to at most `maxNorm` (0: no clipping). */
export function clipScale(norm: number, maxNorm: number): number {
  return maxNorm === 0 ? 1 : Math.min(1, maxNorm / (norm + NORM_EPSILON));
}
