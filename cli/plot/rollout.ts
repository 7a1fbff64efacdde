/** @file `tessera plot rollout`: where the class token looks, the ViT paper's figure 6. */
import { attentionByImage } from '../../tools/inference/attention.ts';
import { attentionRollout } from '../../tools/inference/attention-maps.ts';
import type { RgbImage } from '../../tools/pictures/image.ts';
import { interpolated } from '../../tools/pictures/pixels.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet, type Tile } from '../../tools/pictures/sheet.ts';
import { readNamedModel } from '../inputs/model.ts';
import { print } from '../terminal/output.ts';
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
/** Share of the pixels that are as bright as they were: single patches outshine the rest. */
const BRIGHTEST = 0.03;
/** What stays visible where the model does not look at all. */
const DARKEST = 0.08;

/** Draws images beside what of them reaches the class token. */
export async function plotRollout({
  images: paths,
  checkpoint,
  heads,
  weightsKey,
  set,
  out,
}: RolloutOptions): Promise<void> {
  const trained = await readNamedModel(checkpoint, { heads, weightsKey, set });
  const { imageSize, patchSize } = trained.model;
  const { values, images } = await loadImages(trained, paths);
  const tiles: Tile[] = [];
  for await (const maps of attentionByImage(trained, values)) {
    const isLabelled = tiles.length < 2 * PAIRS;
    const image = images[tiles.length / 2] as RgbImage;
    const looks = lit(image, attentionRollout(maps, 0), imageSize / patchSize);
    tiles.push({ image, ...(isLabelled && { title: 'input' }) });
    tiles.push({ image: looks, ...(isLabelled && { title: 'attention' }) });
  }
  const columns = 2 * Math.min(images.length, PAIRS);
  await writePicture(out, await sheet(tiles, { columns, tileSize: 300 }));
  print([out]);
}

/** The image, as bright as the attention on it. */
function lit(image: RgbImage, flow: Float32Array, side: number): RgbImage {
  const fine = interpolated(flow, side, image.width);
  const low = fine.reduce((a, b) => Math.min(a, b));
  const high = fine.toSorted()[Math.floor((1 - BRIGHTEST) * (fine.length - 1))] ?? low;
  const pixels = image.pixels.map((value, i) => {
    const share = high === low ? 1 : ((fine[Math.floor(i / 3)] as number) - low) / (high - low);
    return value * (DARKEST + (1 - DARKEST) * Math.min(1, share));
  });
  return { ...image, pixels };
}
