/** @file `tessera plot patches`: an image, its top row of patches, and all of them. */

import { TesseraError } from '../../shared/core/errors.ts';
import { decodeImage } from '../../shared/data/pipeline/decode.ts';
import { IMAGE_BYTES_MAX } from '../../shared/data/sets/image-folder.ts';
import { readWholeFile } from '../../shared/files/files.ts';
import type { RgbImage } from '../../tools/pictures/image.ts';
import { cut, mosaic } from '../../tools/pictures/pixels.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { print } from '../terminal/output.ts';

/** Flags of `plot patches`. */
export interface PatchesOptions {
  readonly image: string;
  readonly imageSize: number;
  readonly patchSize: number;
  readonly out: string;
}

/** Draws the patches of an image. Throws  USAGE when patches do not divide it; DATA_INVALID. */
export async function plotPatches(options: PatchesOptions): Promise<void> {
  const { image: path, imageSize, patchSize, out } = options;
  if (imageSize % patchSize !== 0) {
    throw new TesseraError(
      'USAGE',
      `patches of ${patchSize} pixels do not divide an image of ${imageSize}`,
      { hint: 'choose --image-size as a multiple of --patch-size' },
    );
  }
  const image = await square(path, imageSize);
  const side = imageSize / patchSize;
  const patchAt = (row: number, column: number) =>
    cut(image, {
      left: column * patchSize,
      top: row * patchSize,
      width: patchSize,
      height: patchSize,
    });
  const grid = Array.from({ length: side * side }, (_, at) =>
    patchAt(Math.floor(at / side), at % side),
  );
  const gap = Math.max(2, Math.round(patchSize / 5));
  const tiles = [
    { image, title: `${imageSize} x ${imageSize} pixels` },
    { image: mosaic(grid.slice(0, side), side, gap), title: `the top row: ${side} patches` },
    { image: mosaic(grid, side, gap), title: `all ${side * side} patches of ${patchSize} pixels` },
  ];
  await writePicture(out, await sheet(tiles, { columns: 3, tileSize: 420 }));
  print([out]);
}

async function square(path: string, imageSize: number): Promise<RgbImage> {
  const bytes = await readWholeFile(path, { bytesMax: IMAGE_BYTES_MAX });
  const sample = { index: 0, label: 0, name: path, raw: undefined, bytes };
  const options = {
    imageSize,
    channels: 3,
    resize: 'crop',
    cropFraction: 1,
    interpolation: 'bicubic',
  } as const;
  return { width: imageSize, height: imageSize, pixels: await decodeImage(sample, options) };
}
