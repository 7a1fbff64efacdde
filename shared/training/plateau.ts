/** @file The schedule `plateau`: the learning rate is cut when evaluations stop getting better. Pure. */

/** Cuts so far, and the epoch of the last cut or of the best evaluation since. */
export interface Plateau {
  readonly cuts: number;
  readonly since: number;
}

/** Where a run begins. */
export const NO_PLATEAU: Plateau = { cuts: 0, since: 0 };

/**
 * What an evaluation makes of a plateau: one that is `patience` epochs long is cut.
 *
 * Source  PyTorch's ReduceLROnPlateau, by the accuracy that chooses the best version.
 */
export function afterEvaluation(
  before: Plateau,
  { epoch, isBest }: { readonly epoch: number; readonly isBest: boolean },
  patience: number,
): Plateau {
  if (isBest) return { ...before, since: epoch };
  if (epoch - before.since < patience) return before;
  return { cuts: before.cuts + 1, since: epoch };
}
