/** @file `tessera plot residual`: what the two halves of a block add to the tokens of an image. */
import { coloured, meanLength, residualParts } from '../../../tools/inference/residual.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { enlarged } from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { chosenBlock } from './attention-text.ts';
import { loadImages } from './inputs.ts';

/** Flags of `plot residual`. */
export interface ResidualOptions {
  readonly image: string;
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Counted from 1; the last unless given. */
  readonly block?: number;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly out: string;
}

const TILE = 208;

/** Draws the tokens before, between and behind the two halves of a block, and what each half adds. Throws  USAGE. */
export async function plotResidual(options: ResidualOptions): Promise<void> {
  const { checkpoint, heads, weightsKey, set, out } = options;
  const trained = await readNamedModel(checkpoint, { heads, weightsKey, set });
  const { imageSize, patchSize, width, depth } = trained.model;
  const block = chosenBlock(options.block, depth);
  const { values, images } = await loadImages(trained, [options.image], 1);
  const found = await residualParts(trained, values, block - 1);
  const { before, attention, between, mlp, after } = found;
  const parts = [
    { title: 'z comes in', tokens: before },
    { title: '+ MSA(LN(z))', tokens: attention },
    { title: '= z′', tokens: between },
    { title: '+ MLP(LN(z′))', tokens: mlp },
    { title: '= z leaves', tokens: after },
  ];
  const side = imageSize / patchSize;
  const colours = coloured(
    parts.map(({ tokens }) => tokens),
    width,
  );
  const tiles = parts.map(({ title, tokens }, at) => {
    const image = { width: side, height: side, pixels: colours[at] as Uint8Array };
    const note = `mean length ${meanLength(tokens, width).toFixed(1)}`;
    return { image: enlarged(image, Math.ceil(TILE / side)), title, note };
  });
  const photo = {
    image: images[0] as RgbImage,
    title: 'the image',
    note: `${side} x ${side} patches`,
  };
  const title = `Block ${block} of ${depth}: what each half adds to the ${width} numbers of a patch`;
  await writePicture(out, await sheet([photo, ...tiles], { columns: 6, tileSize: TILE, title }));
  print([out]);
}
