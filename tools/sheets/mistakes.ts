/** @file The sheet of the worst mistakes of a model. */
import type { RunConfig } from '../../shared/config/schema.ts';
import { formatPercent } from '../../shared/core/units.ts';
import type { Mistake } from '../inference/evaluate.ts';
import { imageOf } from '../pictures/image.ts';
import { type SheetOptions, sheet } from '../pictures/sheet.ts';

/** Mistakes as SVG: what each was taken for, what it is, and its name; `imageSize` is the model's. */
export async function mistakesSheet(
  mistakes: readonly Mistake[],
  { imageSize, data }: { readonly imageSize: number; readonly data: RunConfig['data'] },
  options: SheetOptions,
): Promise<string> {
  const tiles = mistakes.map(({ name, label, predicted, probability, pixels }) => ({
    image: imageOf(pixels, imageSize, data),
    title: `${predicted} ${formatPercent(probability)}`,
    note: `is ${label}`,
    name,
    colour: 'bad' as const,
  }));
  return await sheet(tiles, options);
}
