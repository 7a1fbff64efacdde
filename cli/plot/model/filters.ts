/** @file `tessera plot filters`: what the patch embedding looks for, the ViT paper's figure 7 left. */
import { principalComponents } from '../../../tools/inference/attention-maps.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { blank, enlarged, mosaic } from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { parameterOf } from './inputs.ts';

/** Flags of `plot filters`. */
export interface FiltersOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly raw?: true;
  readonly out: string;
}

/** Components in the paper's figure. */
const COMPONENTS = 28;
/** Filters shown with --raw. */
const FILTERS_MAX = 192;
const COLUMNS = { components: 7, raw: 16 } as const;

/** Draws the filters of a model's patch embedding. */
export async function plotFilters(options: FiltersOptions): Promise<void> {
  const { checkpoint, raw, out, weightsKey } = options;
  const trained = await readNamedModel(checkpoint, { heads: 'any', weightsKey });
  const { channels, patchSize, width } = trained.model;
  const size = channels * patchSize ** 2;
  const weights = parameterOf(trained, 'patch_embed.proj.weight');
  const filters = raw
    ? Array.from({ length: Math.min(width, FILTERS_MAX) }, (_, at) =>
        weights.slice(at * size, (at + 1) * size),
      )
    : principalComponents(weights, size, COMPONENTS);
  const factor = Math.max(1, Math.round((raw ? 32 : 64) / patchSize));
  const images = filters.map((filter) =>
    enlarged(filterImage(filter, channels, patchSize), factor),
  );
  const columns = raw ? COLUMNS.raw : COLUMNS.components;
  const image = mosaic(images, columns, Math.max(2, factor));
  const title = raw
    ? `${images.length} of ${width} patch-embedding filters`
    : `RGB embedding filters (first ${images.length} principal components)`;
  await writePicture(out, await sheet([{ image }], { columns: 1, tileSize: 620, title }));
  print([out]);
}

/** A filter from its smallest value, black, to its largest. Shapes  [C, P, P]. */
function filterImage(filter: Float32Array, channels: number, patchSize: number): RgbImage {
  const low = filter.reduce((a, b) => Math.min(a, b));
  const high = filter.reduce((a, b) => Math.max(a, b));
  const area = patchSize ** 2;
  const image = blank(patchSize, patchSize);
  for (let i = 0; i < image.pixels.length; i += 1) {
    const plane = channels === 1 ? 0 : i % 3;
    const value = filter[plane * area + Math.floor(i / 3)] as number;
    image.pixels[i] = high === low ? 128 : Math.round((255 * (value - low)) / (high - low));
  }
  return image;
}
