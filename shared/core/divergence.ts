/** @file Which losses are plausible for a model, and what to do when training diverges. Pure. */

/**
 * A larger mean cross-entropy is garbage. A uniform guess among C classes has ln(C), 10 for the 21,843 of ImageNet-21k;
 * beyond 103 the probability of the right class is 0 as a float32. A model whose mean is ten times that has diverged.
 */
export const LOSS_MAX = 1000;

/** Whether an evaluation may choose the best version: its loss is finite and plausible. */
export function isPlausible({ loss }: { readonly loss: number }): boolean {
  return loss <= LOSS_MAX;
}

/** What a loss beyond all sense says of a model. */
export function divergedText(loss: number): string {
  return `a loss of ${loss.toPrecision(4)} is of a model that has diverged: what it gets right is chance`;
}

/** What to do when training diverges. */
export const DIVERGED_HINT =
  'lower training.optimizer.learningRate, lengthen the warm-up, or set training.clipNorm';
