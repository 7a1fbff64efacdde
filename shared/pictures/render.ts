/** @file Pictures on the disk: SVG as it is, PNG through sharp; and images read for pictures. */
import { extname } from 'node:path';
import { TesseraError } from '../core/errors.ts';
import { decoding, INPUT_PIXELS_MAX } from '../data/decode.ts';
import { writeFileAtomically } from '../host/files.ts';
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
    throw new TesseraError('USAGE', `${path} is no name of a picture`, {
      hint: 'let it end in .png or .svg',
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

/**
 * Reads an image upright, its longer side at most `sideMax`.
 *
 * Throws  DATA_INVALID, naming it, when it cannot be read.
 */
export async function readImage(
  bytes: Uint8Array,
  { sideMax, name }: { readonly sideMax: number; readonly name: string },
): Promise<RgbImage> {
  const sharp = await loadSharp();
  try {
    const image = sharp(bytes, {
      failOn: 'warning',
      autoOrient: true,
      limitInputPixels: INPUT_PIXELS_MAX,
    });
    const { width, height } = await image.metadata();
    const { data, info } = await decoding.run(width * height, () =>
      image
        .resize(sideMax, sideMax, { fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#fff' })
        .toColourspace('srgb')
        .removeAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true }),
    );
    return { width: info.width, height: info.height, pixels: inColour(data, info.channels) };
  } catch (error) {
    const reason = TesseraError.from(error).sentence.trim().split('\n')[0];
    throw new TesseraError('DATA_INVALID', `cannot read the image ${name}: ${reason}`, {
      hint: 'give a JPEG, PNG or WebP file',
      cause: error,
    });
  }
}

function inColour(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data);
  const pixels = new Uint8Array((data.length / channels) * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    pixels[i] = data[Math.floor(i / 3) * channels] as number;
  }
  return pixels;
}

/** Loaded when first used: commands without pictures never wait for it. */
async function loadSharp(): Promise<typeof import('sharp').default> {
  return (await import('sharp')).default;
}
