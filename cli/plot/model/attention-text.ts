/** @file What pictures of attention say in words. Pure. */

import { TesseraError } from '../../../shared/core/errors.ts';
import { formatPercent } from '../../../shared/core/units.ts';
import type { TrainedModel } from '../../../tools/inference/read/read-model.ts';
import { bestGuesses } from '../../../tools/inference/top-classes.ts';
import { HEAT_LEGEND_HEIGHT, heatLegend } from '../../../tools/pictures/heat.ts';
import type { SheetOptions } from '../../../tools/pictures/sheet.ts';

/** The legend of heat that is attention. */
export const LOOKED_AT: NonNullable<SheetOptions['footer']> = {
  height: HEAT_LEGEND_HEIGHT,
  parts: (place) => heatLegend(place, ['not looked at', 'looked at most']),
};

/** `sushi 70.2%`: what the model takes an image for. */
export function guessText({ classes }: TrainedModel, logits: Float32Array): string {
  const [best] = bestGuesses(logits, classes, 1);
  return best === undefined ? 'no head' : `${best.class} ${formatPercent(best.probability)}`;
}

/** The block that is meant, the last unless given. Throws  USAGE when the model has fewer. */
export function chosenBlock(block: number | undefined, depth: number): number {
  if (block === undefined || block <= depth) return block ?? depth;
  throw new TesseraError('USAGE', `the model has ${depth} blocks, and no block ${block}`, {
    hint: `choose --block from 1 to ${depth}`,
  });
}
