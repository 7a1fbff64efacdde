/**
 * @file From the bytes of a sample to the pixels of the model's square.
 *
 * The only importer of sharp, which is loaded when the first image file comes: raw samples of the right
 * size, such as the embedded digits, never need it.
 */
import type { Sharp, SharpOptions } from 'sharp';
import type { DataConfig } from '../config/schema.ts';
import { TesseraError } from '../core/errors.ts';
import { WeighedGate } from '../core/gate.ts';
import { type CropRegion, type ImageSize, planResize, type ResizeOptions } from './geometry.ts';
import {
  DECODABLE_NAMES,
  type ImageKind,
  imageKind,
  isDecodable,
  kindName,
  remedy,
} from './image-kind.ts';
import { type Raster, resample } from './resample.ts';
import type { EncodedSample } from './source.ts';

/** Most pixels of an image file: a decompression bomb must not take the worker down. */
export const INPUT_PIXELS_MAX = 100_000_000;

/**
 * Pixels that this process decodes at one time: a WebP or an interlaced PNG takes up to 9 bytes for each of its pixels
 * meanwhile. Photos are decoded side by side as ever, the largest files one by one.
 */
export const decoding = new WeighedGate(INPUT_PIXELS_MAX);

/** Most pixels that are shrunk exactly, in about 25 ms: libvips is faster with photos of full size. */
const EXACT_PIXELS_MAX = 2 ** 20;

/**
 * Longest side, in the file and on the way: enlarged in proportion, a file of 1 x 16,000 pixels would ask for gigabytes,
 * and so would reading the rows of a PNG of 6 million x 9.
 */
const SIDE_MAX = 2 ** 16;

/** What libvips calls the filters. */
const KERNELS = { bicubic: 'cubic', bilinear: 'linear', lanczos: 'lanczos3' } as const;

/** What the pixels should be like. */
export type DecodeOptions = ResizeOptions & Pick<DataConfig, 'channels' | 'interpolation'>;

/**
 * Decodes one sample: turned upright by its EXIF orientation, its transparent parts black, in 8 bits,
 * scaled with an antialiased filter: bicubic (timm's) or bilinear (torchvision's). Up to a megapixel the bytes are
 * those of Pillow, beyond it close to them.
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
  const sharp = await loadSharp();
  try {
    return await decodeWith(sharp(sample.bytes, inputOptions(sample)), options, region);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n')[0] : String(error);
    throw invalid(sample, reason ?? 'unknown reason', error);
  }
}

/** Whether a sample's pixels are the result as they are, but for grey to RGB: no need to keep them. */
export function isPlain({ raw }: EncodedSample, options: DecodeOptions): boolean {
  return (
    raw !== undefined &&
    raw.height === options.imageSize &&
    raw.width === options.imageSize &&
    (raw.channels === options.channels || raw.channels === 1) &&
    (options.resize === 'stretch' || options.cropFraction === 1)
  );
}

async function decodeWith(
  image: Sharp,
  options: DecodeOptions,
  region: CropRegion | undefined,
): Promise<Uint8Array> {
  const { autoOrient, width, height } = await image.metadata();
  const size = autoOrient ?? { width, height };
  return await decoding.run(width * height, () => decodeSized(image, size, options, region));
}

async function decodeSized(
  image: Sharp,
  size: ImageSize,
  options: DecodeOptions,
  region: CropRegion | undefined,
): Promise<Uint8Array> {
  const plan = planResize(size, options, region);
  if (plan.cutBefore !== undefined) image.extract(plan.cutBefore);
  const from = plan.cutBefore ?? size;
  const isExact = isResampled(from, plan.scaleTo);
  const longest = Math.max(size.width, size.height, plan.scaleTo.width, plan.scaleTo.height);
  if (longest > SIDE_MAX) {
    throw new Error(`${size.width} x ${size.height} pixels are too long and narrow`);
  }
  if (!isExact) {
    const kernel = KERNELS[options.interpolation];
    image.resize({ ...plan.scaleTo, fit: 'fill', kernel, fastShrinkOnLoad: false });
    if (plan.cutAfter !== undefined) image.extract(plan.cutAfter);
  }
  const { data, info } = await image
    .flatten({ background: '#000' })
    .toColourspace(options.channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (!isExact) return withChannels(pixels, info.channels, options.channels);
  const scaled = resample({ ...info, pixels }, plan.scaleTo, options.interpolation);
  const square = plan.cutAfter === undefined ? scaled : cut(scaled, plan.cutAfter);
  return withChannels(square.pixels, info.channels, options.channels);
}

/** Whether an image is resized here, with the bytes of Pillow, and not by libvips, which is off when it enlarges. */
function isResampled(from: ImageSize, to: ImageSize): boolean {
  const isEnlarged = to.width > from.width || to.height > from.height;
  return isEnlarged || from.width * from.height <= EXACT_PIXELS_MAX;
}

/** A rectangle of an image. */
function cut(image: Raster, box: ImageSize & { readonly left: number; readonly top: number }) {
  const { pixels, width, channels } = image;
  const part = new Uint8Array(box.width * box.height * channels);
  for (let y = 0; y < box.height; y += 1) {
    const first = ((box.top + y) * width + box.left) * channels;
    part.set(pixels.subarray(first, first + box.width * channels), y * box.width * channels);
  }
  return { ...image, width: box.width, height: box.height, pixels: part };
}

/** Grey pixels thrice where RGB is wanted. */
function withChannels(pixels: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return pixels;
  const repeated = new Uint8Array(pixels.length * to);
  for (let i = 0; i < repeated.length; i += 1) repeated[i] = pixels[Math.floor(i / to)] as number;
  return repeated;
}

/** Refuses what sharp would take too kindly: raw pixels of another size, SVG, PDF and the like. */
function checkSample(sample: EncodedSample): void {
  const { raw, bytes } = sample;
  if (raw === undefined) {
    const kind = imageKind(bytes);
    if (!isDecodable(kind)) throw refused(sample, kind);
    return;
  }
  const expectedBytes = raw.height * raw.width * raw.channels;
  if (bytes.length !== expectedBytes || expectedBytes === 0) {
    throw invalid(sample, `it has ${bytes.length} bytes of pixels where ${expectedBytes} belong`);
  }
}

function inputOptions({ raw }: EncodedSample): SharpOptions {
  // failOn warning: a damaged file must be refused, never come out half grey.
  // Colour profiles are not applied: neither torchvision nor timm does, and it takes longer than the rest.
  const common = {
    failOn: 'warning',
    limitInputPixels: INPUT_PIXELS_MAX,
    ignoreIcc: true,
  } as const;
  if (raw === undefined) return { ...common, autoOrient: true };
  const { height, width, channels } = raw;
  return { ...common, raw: { height, width, channels: channels as 1 | 2 | 3 | 4 } };
}

function invalid(sample: EncodedSample, reason: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `cannot decode ${sample.name}: ${reason}`, {
    hint: 'replace or remove the image; data.onBadImage: skip trains without it',
    cause,
  });
}

/** What a file is that cannot be read here, and what to do about it. */
function refused({ name }: EncodedSample, kind: ImageKind | undefined): TesseraError {
  const what = kind === undefined ? 'not an image that is known here' : `a ${kindName(kind)} file`;
  return new TesseraError('DATA_INVALID', `cannot decode ${name}: it is ${what}`, {
    hint: `images are ${DECODABLE_NAMES} files; ${remedy(kind)}`,
  });
}

let loading: Promise<typeof import('sharp').default> | undefined;

/** Loads sharp once, with one thread and no cache: a worker has few cores, and keeps its own pixels. */
function loadSharp(): Promise<typeof import('sharp').default> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loading;
}
