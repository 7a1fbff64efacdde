/** @file What is said of a node whose values are not finite: nothing of it may join a sum. */

import { DIVERGED_HINT } from '../../shared/core/divergence.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { SPLIT_WORDS, splitOf } from '../../shared/core/work.ts';
import { firstNonFinite } from '../../shared/kernels/values.ts';
import type { NodeTask } from '../core/messages.ts';

/** Nothing has been trained yet: no learning rate has a part in it. */
const BEGINNING_HINT =
  'the run begins with values that are too large: check model.init.weights, model.positionDeviation, data.mean and data.deviation';

/** What of a node is not finite, as `loss is NaN`; undefined when all is well. */
export function brokenPart(
  lossSum: number,
  gradient: Float32Array | undefined,
): string | undefined {
  if (!Number.isFinite(lossSum)) return `loss is ${lossSum}`;
  const index = gradient === undefined ? -1 : firstNonFinite(gradient);
  return index < 0 ? undefined : `gradient holds ${gradient?.[index]}`;
}

/** The error of a node of which `part` is not finite. */
export function divergedError({ kind, step, version }: NodeTask, part: string): TesseraError {
  const hint = version === 0 ? BEGINNING_HINT : DIVERGED_HINT;
  const when =
    kind === 'train'
      ? `at step ${step + 1}`
      : `when version ${version} is evaluated on the ${SPLIT_WORDS[splitOf(kind)]} images`;
  return new TesseraError('NON_FINITE', `the ${part} ${when}`, { hint });
}
