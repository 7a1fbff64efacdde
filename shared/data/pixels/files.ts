/** @file From an image file of any kind to the pixels that its plan asks for. */

import { imageKind } from '../../files/image-kind.ts';
import type { EncodedSample } from '../source.ts';
import { toRaster } from './channels.ts';
import { openBmp } from './formats/bmp.ts';
import { openGif } from './formats/gif.ts';
import { tidyJpeg } from './formats/jpeg.ts';
import { type PlainJpeg, plainJpeg } from './formats/jpeg-head.ts';
import type { PictureFile } from './formats/raster.ts';
import { tiffRefusal } from './formats/tiff.ts';
import type { ImageSize, ResizePlan } from './geometry.ts';
import { decodeByKernels } from './jpeg-kernel.ts';
import { isLent } from './kernels.ts';
import {
  checkSides,
  colouring,
  decodeBySharp,
  decoding,
  INPUT_PIXELS_MAX,
  type Look,
  scaled,
} from './libvips.ts';
import type { Raster } from './raster.ts';
import { resample } from './resample.ts';
import { isResampled } from './shrinking.ts';

type PlanOf = (size: ImageSize) => ResizePlan;

/** Decodes a sample, shrunk and cut by a plan for its size. Throws  Error, saying why. */
export async function decodeBy(sample: EncodedSample, look: Look, planOf: PlanOf): Promise<Raster> {
  const { raw, bytes } = sample;
  if (raw !== undefined) {
    const plan = planOf(raw);
    checkSides(raw, plan);
    const space = raw.channels < 3 ? 'grey' : 'rgb';
    const hasAlpha = raw.channels === 2 || raw.channels === 4;
    const raster = toRaster({ ...raw, samples: bytes, space, hasAlpha }, ...colouring(look));
    return await scaled(raster, plan, look);
  }
  switch (imageKind(bytes)) {
    case 'jpeg':
      return await decodeJpeg(bytes, look, planOf);
    case 'bmp':
      return await decodeOwn(openBmp(bytes), look, planOf);
    case 'gif':
      return await decodeOwn(openGif(bytes), look, planOf);
    case 'tiff': {
      const refusal = tiffRefusal(bytes);
      if (refusal !== undefined) throw new Error(refusal);
    }
  }
  return await decodeBySharp(bytes, look, planOf);
}

/** Decodes a file of a kind that is read by Tessera itself. */
async function decodeOwn(file: PictureFile, look: Look, planOf: PlanOf): Promise<Raster> {
  const pixels = file.width * file.height;
  if (pixels > INPUT_PIXELS_MAX) throw new Error('Input image exceeds pixel limit');
  return await decoding.run(pixels, async () => {
    const plan = planOf(file);
    checkSides(file, plan);
    const picture = file.decode();
    const hasAlpha = picture.channels === 4;
    return await scaled(
      toRaster({ ...picture, space: 'rgb', hasAlpha }, ...colouring(look)),
      plan,
      look,
    );
  });
}

/** A plan's refusal of an image for its size: nothing is wrong with the file. */
export class NotWanted extends Error {}

/** Decodes a JPEG file; one that is only out of order is put in order. */
async function decodeJpeg(bytes: Uint8Array, look: Look, planOf: PlanOf): Promise<Raster> {
  const known = plainJpeg(bytes);
  try {
    if (known !== undefined) return await decodePlain(bytes, known, look, planOf);
  } catch (error) {
    // A damaged file is read again with its head, so that its error is the same whatever was known.
    if (error instanceof NotWanted) throw error;
  }
  try {
    return await decodeBySharp(bytes, look, planOf);
  } catch (error) {
    if (error instanceof NotWanted) throw error;
    for (const dropsZeros of [false, true]) {
      const tidy = tidyJpeg(bytes, dropsZeros);
      if (tidy === undefined) break;
      const raster = await decodeBySharp(tidy, look, planOf).catch(() => undefined);
      if (raster !== undefined) return raster;
    }
    throw error;
  }
}

async function decodePlain(
  bytes: Uint8Array,
  file: PlainJpeg,
  look: Look,
  planOf: PlanOf,
): Promise<Raster> {
  const raster = await decodeQuickly(bytes, file, look, planOf);
  return raster ?? (await decodeBySharp(bytes, look, planOf, file));
}

/** Decodes a JPEG file by kernels; nothing where they do not, or libvips shrinks it. */
async function decodeQuickly(
  bytes: Uint8Array,
  file: PlainJpeg,
  look: Look,
  planOf: PlanOf,
): Promise<Raster | undefined> {
  const { cutBefore, scaleTo: size, cutAfter: box } = planOf(file);
  const { width, height } = cutBefore ?? file;
  if (!isResampled({ width, height }, size)) return undefined;
  return await decoding.run(width * height, async () => {
    const part = decodeByKernels(bytes, cutBefore);
    if (part === undefined) return undefined;
    const space = part.channels === 1 ? 'grey' : 'rgb';
    const image = { ...part, samples: part.pixels, space, hasAlpha: false } as const;
    const made = resample(toRaster(image, ...colouring(look)), {
      ...{ size, box },
      interpolation: look.interpolation,
    });
    return isLent(made.pixels) ? { ...made, pixels: made.pixels.slice() } : made;
  });
}
