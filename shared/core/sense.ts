/** @file Which losses are of a model at all. Pure. */

/**
 * A larger mean cross-entropy is garbage. Who guesses evenly among C classes has ln(C), 10 for the 21,843 of ImageNet-21k;
 * beyond 103 the probability of the right class is 0 as a float32. A mean ten times that is of a model that has diverged.
 */
export const LOSS_MAX = 1000;

/** Whether an evaluation may choose the best version: its loss is finite, and not beyond all sense. */
export function isSensible({ loss }: { readonly loss: number }): boolean {
  return loss <= LOSS_MAX;
}
