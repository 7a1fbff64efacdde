/** @file Decodes the bytes of a sample to the pixels of the model's square, or refuses them. */

import { machineFailure } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import {
  DECODABLE_NAMES,
  type ImageKind,
  imageKind,
  isDecodable,
  kindName,
  remedy,
} from '../../files/image-kind.ts';
import type { DataConfig } from '../options.ts';
import { decodeBy, NotWanted } from '../pixels/files.ts';
import {
  type CropRegion,
  type ImageSize,
  planResize,
  type ResizeOptions,
} from '../pixels/geometry.ts';
import { INPUT_PIXELS_MAX, type Look, scaled } from '../pixels/libvips.ts';
import type { Raster } from '../pixels/raster.ts';
import { EXACT_PIXELS_MAX } from '../pixels/shrinking.ts';
import type { EncodedSample } from '../source.ts';

export type { Look };

/** Properties of the wanted pixels. */
export type DecodeOptions = ResizeOptions &
  Pick<DataConfig, 'channels' | 'interpolation' | 'background'>;

/**
 * Decodes one sample: turned upright by its EXIF orientation, its alpha dropped or on `background`, as grey
 * or RGB in 8 bits, scaled with an antialiased filter: bicubic (timm's) or bilinear (torchvision's). Up to a megapixel the
 * bytes are those of Pillow, beyond it close to them; docs/data.md has the exceptions.
 *
 * Shapes  the result is [imageSize, imageSize, channels]; it may be a view of the sample's own bytes.
 * Throws  DATA_INVALID, naming the sample, when it is truncated, no image or too large.
 */
export async function decodeImage(
  sample: EncodedSample,
  options: DecodeOptions,
  region?: CropRegion,
): Promise<Uint8Array> {
  checkSample(sample);
  if (region === undefined && isPlain(sample, options)) {
    return withChannels(sample.bytes, sample.raw?.channels ?? 1, options.channels);
  }
  try {
    const square = await decodeBy(sample, options, (size) => planResize(size, options, region));
    return withChannels(square.pixels, square.channels, options.channels);
  } catch (error) {
    throw failed(sample, error);
  }
}

/**
 * Decodes a whole image file, from which `squareOf` makes what `decodeImage` does for any region; undefined where it would
 * not, where it takes more than `bytesMax`, and where it cannot be decoded: `decodeImage` then has the answer.
 */
export async function decodePicture(
  sample: EncodedSample,
  look: Look,
  bytesMax: number,
): Promise<Raster | undefined> {
  if (sample.raw !== undefined || bytesMax === 0) return undefined;
  const plan = ({ width, height }: ImageSize) => {
    const pixels = width * height;
    if (pixels > EXACT_PIXELS_MAX || pixels * look.channels > bytesMax) {
      throw new NotWanted('the whole is not wanted');
    }
    return { cutBefore: undefined, scaleTo: { width, height }, cutAfter: undefined };
  };
  try {
    checkSample(sample);
    return await decodeBy(sample, look, plan);
  } catch {
    return undefined;
  }
}

/** The square of a decoded image. Shapes  the result is [imageSize, imageSize, channels]. */
export async function squareOf(
  image: Raster,
  options: DecodeOptions,
  region: CropRegion,
): Promise<Uint8Array> {
  const square = await scaled(image, planResize(image, options, region), options);
  return withChannels(square.pixels, square.channels, options.channels);
}

/**
 * Decodes a whole image file for display, its longer side at most `sideMax`: the pixels that a model sees, but not
 * cropped to the square.
 *
 * Throws  DATA_INVALID, naming the sample, as `decodeImage` does.
 */
export async function decodeWhole(
  sample: EncodedSample,
  look: Look & { readonly sideMax: number },
): Promise<Raster> {
  checkSample(sample);
  const plan = ({ width, height }: ImageSize) => {
    const scale = Math.min(1, look.sideMax / Math.max(width, height));
    const side = (length: number) => Math.max(1, Math.round(length * scale));
    const scaleTo = { width: side(width), height: side(height) };
    return { cutBefore: undefined, scaleTo, cutAfter: undefined };
  };
  try {
    const { pixels, width, height, channels } = await decodeBy(sample, look, plan);
    return { width, height, channels: 3, pixels: withChannels(pixels, channels, 3) };
  } catch (error) {
    throw failed(sample, error);
  }
}

/** Whether the raw pixels of a sample are the result, except for grey to RGB: caching them is useless. */
export function isPlain({ raw }: EncodedSample, options: DecodeOptions): boolean {
  return (
    raw !== undefined &&
    raw.height === options.imageSize &&
    raw.width === options.imageSize &&
    (raw.channels === options.channels || raw.channels === 1) &&
    (options.resize === 'stretch' || options.cropFraction === 1)
  );
}

/** Repeats grey pixels three times for RGB. */
function withChannels(pixels: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return pixels;
  const repeated = new Uint8Array(pixels.length * to);
  for (let i = 0; i < repeated.length; i += 1) repeated[i] = pixels[Math.floor(i / to)] as number;
  return repeated;
}

/** Refuses what sharp would accept: raw pixels of another size, SVG, PDF and the like. */
function checkSample(sample: EncodedSample): void {
  const { raw, bytes } = sample;
  if (raw === undefined) {
    const kind = imageKind(bytes);
    if (bytes.length === 0) throw invalid(sample, 'the file is empty');
    if (!isDecodable(kind)) throw refused(sample, kind);
    return;
  }
  const expectedBytes = raw.height * raw.width * raw.channels;
  if (bytes.length !== expectedBytes || expectedBytes === 0) {
    throw invalid(sample, `it has ${bytes.length} bytes of pixels, expected ${expectedBytes}`);
  }
}

function invalid(sample: EncodedSample, reason: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `cannot decode ${sample.name}: ${reason}`, {
    hint: 'replace or remove the image; data.onBadImage: skip trains without it',
    cause,
  });
}

const TOO_LARGE = `it has more than ${INPUT_PIXELS_MAX / 1e6} megapixels: make it smaller`;

function failed(sample: EncodedSample, error: unknown): TesseraError {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  // The decoder's warning is on the next line, or missing.
  const isWarning = lines[0]?.startsWith('Warning treated as error') === true;
  const failure = machineFailure(error);
  // A fault of the machine, possibly transient: not a reason to leave the image out.
  if (failure !== undefined) {
    const sentence = `cannot decode ${sample.name}: ${failure.sentence}`;
    return new TesseraError('SYSTEM', sentence, { hint: failure.hint, cause: error });
  }
  const said = isWarning ? (lines[1] ?? 'its data are damaged') : lines[0];
  const reason = said?.includes('exceeds pixel limit') ? TOO_LARGE : said;
  return invalid(sample, reason || 'unknown reason', error);
}

/** The error for a file that cannot be decoded: what it is, and what to do. */
function refused({ name }: EncodedSample, kind: ImageKind | undefined): TesseraError {
  const what =
    kind === undefined
      ? 'not an image of a known format'
      : `a ${kindName(kind)}${kind === 'link' ? '' : ' file'}`;
  return new TesseraError('DATA_INVALID', `cannot decode ${name}: it is ${what}`, {
    hint: `images are ${DECODABLE_NAMES} files; ${remedy(kind)}`,
  });
}
