/** @file `tessera plot patches` and `plot patch-numbers`: an image cut into its patches, and one of them from near. */

import { TesseraError } from '../../shared/core/errors.ts';
import { decodeImage } from '../../shared/data/pipeline/decode.ts';
import { IMAGE_BYTES_MAX } from '../../shared/data/sets/image-folder.ts';
import { readWholeFile } from '../../shared/files/files.ts';
import type { RgbImage } from '../../tools/pictures/image.ts';
import { patchNumbers } from '../../tools/pictures/patch-numbers.ts';
import { patchesPicture } from '../../tools/pictures/patches.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { print } from '../terminal/output.ts';

/** Flags of `plot patches`. */
export interface PatchesOptions {
  readonly image: string;
  readonly imageSize: number;
  readonly patchSize: number;
  readonly out: string;
}

/** Flags of `plot patch-numbers`. */
export interface PatchNumbersOptions extends PatchesOptions {
  /** Which patch, counted from 1 in reading order; the one in the middle unless given. */
  readonly patch?: number;
}

/** Draws the patches of an image. Throws  USAGE when patches do not divide it; DATA_INVALID. */
export async function plotPatches(options: PatchesOptions): Promise<void> {
  const image = await dividedImage(options);
  await writePicture(options.out, await patchesPicture(image, options.patchSize));
  print([options.out]);
}

/** Draws the numbers of one patch. Throws  USAGE when patches do not divide the image, or are fewer; DATA_INVALID. */
export async function plotPatchNumbers(options: PatchNumbersOptions): Promise<void> {
  const { imageSize, patchSize, out } = options;
  const image = await dividedImage(options);
  const side = imageSize / patchSize;
  const { patch = Math.floor(side / 2) * side + Math.ceil(side / 2) } = options;
  if (patch > side ** 2) {
    throw new TesseraError('USAGE', `the image has ${side ** 2} patches, and no patch ${patch}`, {
      hint: `choose --patch from 1 to ${side ** 2}`,
    });
  }
  await writePicture(out, await patchNumbers(image, patchSize, patch));
  print([out]);
}

/** The image as a square of so many pixels, cropped to its middle. */
async function dividedImage(options: PatchesOptions): Promise<RgbImage> {
  const { image: path, imageSize, patchSize } = options;
  if (imageSize % patchSize !== 0) {
    throw new TesseraError(
      'USAGE',
      `patches of ${patchSize} pixels do not divide an image of ${imageSize}`,
      { hint: 'choose --image-size as a multiple of --patch-size' },
    );
  }
  const bytes = await readWholeFile(path, { bytesMax: IMAGE_BYTES_MAX });
  const sample = { index: 0, label: 0, name: path, raw: undefined, bytes };
  const pixels = await decodeImage(sample, {
    ...{ imageSize, channels: 3, resize: 'crop', cropFraction: 1, interpolation: 'bicubic' },
  });
  return { width: imageSize, height: imageSize, pixels };
}
