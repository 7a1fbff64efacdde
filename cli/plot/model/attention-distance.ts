/** @file `tessera plot attention-distance`: how far each head looks, the ViT paper's figure 7 right. */
import { attentionByImage } from '../../../tools/inference/attention.ts';
import { meanAttentionDistance } from '../../../tools/inference/attention-maps.ts';
import { panels } from '../../../tools/pictures/charts.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { loadImages } from './inputs.ts';

/** Flags of `plot attention-distance`. */
export interface DistanceOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  readonly images: readonly string[];
  readonly samples: number;
  readonly set?: string[];
  readonly out: string;
}

/** Draws a dot for each head: the mean distance, in pixels, of what it attends to. */
export async function plotDistance(options: DistanceOptions): Promise<void> {
  const { checkpoint, images: paths, samples, out, weightsKey, set } = options;
  const trained = await readNamedModel(checkpoint, { heads: options.heads, weightsKey, set });
  const { heads, patchSize, depth } = trained.model;
  const { values, images } = await loadImages(trained, paths, samples);
  const sums = Array.from({ length: depth }, () => new Array<number>(heads).fill(0));
  for await (const { maps } of attentionByImage(trained, values)) {
    for (const [block, map] of maps.entries()) {
      const sum = sums[block] as number[];
      for (const [head, distance] of meanAttentionDistance(map, patchSize).entries()) {
        sum[head] = (sum[head] as number) + distance;
      }
    }
  }
  const series = Array.from({ length: heads }, (_, head) => ({
    name: `head ${head + 1}`,
    points: sums.map((of, block) => [block, (of[head] as number) / images.length] as const),
  }));
  const title = `Mean attention distance, ${images.length} images`;
  const labels = { xLabel: 'network depth (block)', yLabel: 'distance (pixels)' };
  await writePicture(out, panels([{ title, ...labels, kind: 'scatter', series, yMin: 0 }]));
  print([out]);
}
