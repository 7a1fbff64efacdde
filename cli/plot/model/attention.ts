/** @file `tessera plot attention`: what each head of a block looks at in an image. */
import { attentionByImage } from '../../../tools/inference/attention.ts';
import { type AttentionMap, tokenAttention } from '../../../tools/inference/attention-maps.ts';
import { heated } from '../../../tools/pictures/heat.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet, type Tile } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { chosenBlock, guessText, LOOKED_AT } from './attention-text.ts';
import { loadImages } from './inputs.ts';
import type { RolloutOptions } from './rollout.ts';

/** Flags of `plot attention`. */
export interface AttentionOptions extends RolloutOptions {
  /** Counted from 1; the last unless given. */
  readonly block?: number;
}

/** Heads in a row, beside the image. */
const HEADS = 4;

/** Draws an image and, for each head of a block, the heat of what the class token attends to. Throws  USAGE. */
export async function plotAttention(options: AttentionOptions): Promise<void> {
  const { checkpoint, heads, weightsKey, set, out } = options;
  const trained = await readNamedModel(checkpoint, { heads, weightsKey, set });
  const { depth } = trained.model;
  const block = chosenBlock(options.block, depth);
  const { values, images } = await loadImages(trained, options.images);
  const tiles: Tile[] = [];
  let row = 0;
  for await (const { maps, logits } of attentionByImage(trained, values)) {
    const image = images[row] as RgbImage;
    tiles.push({ image, title: guessText(trained, logits) });
    tiles.push(...headTiles(image, maps[block - 1] as AttentionMap));
    row += 1;
  }
  const columns = 1 + Math.min(trained.model.heads, HEADS);
  const title = `Block ${block} of ${depth}: what each head looks at`;
  await writePicture(out, await sheet(tiles, { columns, tileSize: 224, title, footer: LOOKED_AT }));
  print([out]);
}

function headTiles(image: RgbImage, map: AttentionMap): Tile[] {
  return Array.from({ length: map.heads }, (_, head) => ({
    image: heated(image, tokenAttention(map, head, 0), map.side),
    title: `head ${head + 1}`,
  }));
}
