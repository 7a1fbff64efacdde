/** @file `tessera plot attention-matrix`: one head as a matrix of tokens, and one row of it over the image. */
import { TesseraError } from '../../../shared/core/errors.ts';
import { attentionByImage } from '../../../tools/inference/attention.ts';
import { type AttentionMap, tokenAttention } from '../../../tools/inference/attention-maps.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { matrixPicture } from '../../../tools/pictures/matrix.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { chosenBlock } from './attention-text.ts';
import { loadImages } from './inputs.ts';
import type { ResidualOptions } from './residual.ts';

/** Flags of `plot attention-matrix`. */
export interface MatrixOptions extends ResidualOptions {
  /** Counted from 1. */
  readonly head: number;
  /** The patch whose row is shown, counted from 1; the class token unless given. */
  readonly patch?: number;
}

/** Draws one head of one block. Throws  USAGE when the model has no such block, head or patch. */
export async function plotMatrix(options: MatrixOptions): Promise<void> {
  const { checkpoint, heads, weightsKey, set, out, head, patch = 0 } = options;
  const trained = await readNamedModel(checkpoint, { heads, weightsKey, set });
  const { model } = trained;
  const block = chosenBlock(options.block, model.depth);
  const side = model.imageSize / model.patchSize;
  refuseMore('head', head, model.heads);
  refuseMore('patch', patch, side ** 2);
  const { values, images } = await loadImages(trained, [options.image], 1);
  for await (const { maps } of attentionByImage(trained, values)) {
    const map = maps[block - 1] as AttentionMap;
    const tokens = side ** 2 + 1;
    const first = (head - 1) * tokens ** 2;
    const svg = await matrixPicture({
      title: `Block ${block} of ${model.depth}, head ${head} of ${model.heads}`,
      image: images[0] as RgbImage,
      values: map.values.subarray(first, first + tokens ** 2),
      row: tokenAttention(map, head - 1, patch),
      token: patch,
    });
    await writePicture(out, svg);
  }
  print([out]);
}

function refuseMore(what: 'head' | 'patch', number: number, most: number): void {
  if (number <= most) return;
  const sentence = `the model has ${most} ${what === 'head' ? 'heads' : 'patches'}, and no ${what} ${number}`;
  throw new TesseraError('USAGE', sentence, { hint: `choose --${what} from 1 to ${most}` });
}
