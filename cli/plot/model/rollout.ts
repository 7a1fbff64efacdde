/** @file `tessera plot rollout`: what of an image reaches the class token, the ViT paper's figure 6. */
import { attentionByImage } from '../../../tools/inference/attention.ts';
import { attentionRollout } from '../../../tools/inference/attention-maps.ts';
import { heated } from '../../../tools/pictures/heat.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet, type Tile } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { guessText, LOOKED_AT } from './attention-text.ts';
import { loadImages } from './inputs.ts';

/** Flags of `plot rollout`. */
export interface RolloutOptions {
  readonly images: readonly string[];
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  readonly set?: string[];
  readonly out: string;
}

/** Images in a row. */
const PAIRS = 3;

/** Draws images beside the heat of what of them reaches the class token. */
export async function plotRollout(options: RolloutOptions): Promise<void> {
  const { checkpoint, heads, weightsKey, set, out } = options;
  const trained = await readNamedModel(checkpoint, { heads, weightsKey, set });
  const { imageSize, patchSize } = trained.model;
  const { values, images } = await loadImages(trained, options.images);
  const tiles: Tile[] = [];
  for await (const { maps, logits } of attentionByImage(trained, values)) {
    const image = images[tiles.length / 2] as RgbImage;
    const heat = heated(image, attentionRollout(maps, 0), imageSize / patchSize);
    tiles.push({ image, title: guessText(trained, logits) });
    tiles.push({ image: heat, title: 'attention, all blocks' });
  }
  const columns = 2 * Math.min(images.length, PAIRS);
  await writePicture(out, await sheet(tiles, { columns, tileSize: 300, footer: LOOKED_AT }));
  print([out]);
}
