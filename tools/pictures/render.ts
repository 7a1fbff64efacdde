/** @file Pictures on the disk: SVG as it is, PNG through sharp. */
import { extname } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { useOwnFonts } from './fonts.ts';
import type { RgbImage } from './image.ts';

/** Pixels of a PNG for one unit of its SVG: sharp on screens of today. */
const SCALE = 2;
/** Dots an inch at which SVG is drawn at its own size. */
const SVG_DPI = 72;

/**
 * Writes a picture as .svg or .png, by the end of its name.
 *
 * Throws  USAGE for another ending; CANNOT_WRITE.
 */
export async function writePicture(path: string, svg: string): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (kind !== '.svg' && kind !== '.png') {
    throw new TesseraError('USAGE', `${path} is not a name of a picture`, {
      hint: 'use a name that ends in .png or .svg',
    });
  }
  const bytes = kind === '.svg' ? Buffer.from(svg) : await pngOfSvg(svg);
  await writeFileAtomically(path, [bytes]);
}

/** Draws an SVG. */
async function pngOfSvg(svg: string): Promise<Uint8Array> {
  useOwnFonts();
  const sharp = await loadSharp();
  return await sharp(Buffer.from(svg), { density: SVG_DPI * SCALE, limitInputPixels: 2 ** 28 })
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
}

/** The bytes of a PNG of an image. */
export async function pngOf({ width, height, pixels }: RgbImage): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** Loaded when first used: commands without pictures never wait for it. */
async function loadSharp(): Promise<typeof import('sharp').default> {
  return (await import('sharp')).default;
}
