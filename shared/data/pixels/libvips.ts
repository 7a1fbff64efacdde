/**
 * @file The door to sharp, and so to libvips: channels as a file has them, photos of full size shrunk, PNG files written.
 *
 * sharp is loaded when the first image file comes: raw samples of the right size, such as the embedded digits, never
 * need it.
 */
import { createRequire } from 'node:module';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import type { DataConfig } from '../options.ts';
import { PixelBudget } from './budget.ts';
import { type Colour, colourOf, type RawImage, type Samples, toRaster } from './channels.ts';
import type { PlainJpeg } from './formats/jpeg-head.ts';
import type { ImageSize, ResizePlan } from './geometry.ts';
import { cutTo, type Raster } from './raster.ts';
import { resample } from './resample.ts';
import { isResampled, shrinking } from './shrinking.ts';

/** Maximum pixels of an image file: a decompression bomb must not crash the worker. */
export const INPUT_PIXELS_MAX = 100_000_000;

/**
 * Pixels that the threads of a process decode at one time: a PNG of 16 bits with alpha needs up to 12 bytes for each of its pixels
 * meanwhile. Photos are decoded in parallel, the largest files one by one.
 */
export const decoding = new PixelBudget(INPUT_PIXELS_MAX);

/**
 * Longest side, in the file and in between: enlarged in proportion, a file of 1 x 16,000 pixels would need gigabytes,
 * and so would reading the rows of a PNG of 6 million x 9.
 */
const SIDE_MAX = 2 ** 16;

/** Most pixels of a picture that is drawn. */
const SVG_PIXELS_MAX = 2 ** 28;

/** How the pixels are shrunk and converted. */
export type Look = Pick<DataConfig, 'channels' | 'interpolation' | 'background'>;

/**
 * Decodes a file of a kind that libvips reads, shrunk and cut by a plan for its size. What is known of a JPEG file need not
 * be asked for.
 *
 * Throws  Error, saying why.
 */
export async function decodeBySharp(
  bytes: Uint8Array,
  look: Look,
  planOf: (size: ImageSize) => ResizePlan,
  known?: PlainJpeg,
): Promise<Raster> {
  const sharp = loadSharp();
  const image = sharp(bytes, INPUT_OPTIONS);
  const facts = known === undefined ? await image.metadata() : factsOf(known);
  const { autoOrient: size, width, height } = facts;
  return await decoding.run(width * height, async () => {
    const plan = planOf(size);
    checkSides(size, plan);
    if (plan.cutBefore !== undefined) image.extract(plan.cutBefore);
    const from = plan.cutBefore ?? size;
    const isWhole = isResampled(from, plan.scaleTo) || !isPhoto(facts);
    if (!isWhole) image.resize(shrinking(plan.scaleTo, look.interpolation));
    const raster = toRaster(await channelsOf(image, facts, look), ...colouring(look));
    const rest = { ...plan, cutBefore: undefined };
    return isWhole ? await scaled(raster, rest, look) : cutTo(raster, plan.cutAfter);
  });
}

/** What of an image's metadata decides how it is read. */
type Facts = Pick<
  Metadata,
  'autoOrient' | 'width' | 'height' | 'space' | 'depth' | 'channels' | 'hasAlpha'
>;

function factsOf({ width, height, channels }: PlainJpeg): Facts {
  const space = channels === 1 ? 'b-w' : 'srgb';
  const size = { width, height };
  return { ...size, autoOrient: size, space, depth: 'uchar', channels, hasAlpha: false };
}

/** The channels of an image as its file has them: libvips converts none. */
async function channelsOf(image: Sharp, facts: Facts, { background }: Look): Promise<RawImage> {
  const { depth, hasAlpha } = facts;
  // sharp leaves the alpha of grey pixels out, which matters where they lie on a colour.
  const space = (hasAlpha && background !== undefined && COLOURED[facts.space]) || facts.space;
  const meaning = SPACES[space];
  const Numbers = NUMBERS[depth];
  if (meaning === undefined || Numbers === undefined) {
    throw new Error(`its colours are ${space}, in numbers of the kind ${depth}`);
  }
  const { data, info } = await image
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });
  const count = info.width * info.height * info.channels;
  // Wider numbers begin where their width allows it.
  const at = data.byteOffset % Numbers.BYTES_PER_ELEMENT === 0 ? data : new Uint8Array(data);
  const samples = new Numbers(at.buffer as ArrayBuffer, at.byteOffset, count);
  return { ...info, samples, space: meaning, hasAlpha: hasAlpha && info.channels % 2 === 0 };
}

/** Whether libvips can shrink an image before its colours are converted: most photos of full size. */
function isPhoto({ space, depth, channels }: Facts): boolean {
  const isPlain = (space === 'srgb' && channels === 3) || (space === 'b-w' && channels === 1);
  return isPlain && depth === 'uchar';
}

/** Cuts and shrinks converted pixels, exactly or, where they are many, by libvips. */
export async function scaled(raster: Raster, plan: ResizePlan, look: Look): Promise<Raster> {
  const part = cutTo(raster, plan.cutBefore);
  if (isResampled(part, plan.scaleTo)) {
    const { scaleTo: size, cutAfter: box } = plan;
    return resample(part, { size, interpolation: look.interpolation, box });
  }
  const { pixels, width, height } = part;
  const channels = part.channels as 1 | 3;
  const sharp = loadSharp();
  const { data, info } = await sharp(pixels, { raw: { width, height, channels } })
    .resize(shrinking(plan.scaleTo, look.interpolation))
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const shrunk = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return cutTo({ ...info, pixels: shrunk }, plan.cutAfter);
}

/** A PNG file of pixels. Shapes  pixels [height, width, channels]. */
export async function encodePng(pixels: Uint8Array, raw: ImageSize & { channels: 1 | 3 }) {
  const sharp = loadSharp();
  return await sharp(pixels, { raw }).png().toBuffer();
}

/** A PNG file of an SVG on white. Units  density in dots an inch; 72 is the SVG's own size. */
export async function renderSvg(svg: string, density: number): Promise<Uint8Array> {
  const sharp = loadSharp();
  return await sharp(Buffer.from(svg), { density, limitInputPixels: SVG_PIXELS_MAX })
    .flatten({ background: '#fff' })
    // Photos take half of the bytes then.
    .png({ adaptiveFiltering: true })
    .toBuffer();
}

export function colouring({ channels, background }: Look): [1 | 3, Colour | undefined] {
  return [channels, background === undefined ? undefined : colourOf(background)];
}

/** Throws  Error for sides that would take gigabytes. */
export function checkSides(size: ImageSize, { scaleTo }: ResizePlan): void {
  const longest = Math.max(size.width, size.height, scaleTo.width, scaleTo.height);
  if (longest <= SIDE_MAX) return;
  throw new Error(`${size.width} x ${size.height} pixels are too long and narrow`);
}

/**
 * failOn warning: a damaged file must be refused, never decoded half grey.
 * Colour profiles are not applied: neither torchvision nor timm does, and it takes longer than the rest.
 */
const INPUT_OPTIONS: SharpOptions = {
  failOn: 'warning',
  limitInputPixels: INPUT_PIXELS_MAX,
  ignoreIcc: true,
  autoOrient: true,
};

/** The names of the supported colour spaces in libvips. */
const SPACES: Readonly<Record<string, RawImage['space']>> = {
  'b-w': 'grey',
  grey16: 'grey',
  srgb: 'rgb',
  rgb: 'rgb',
  rgb16: 'rgb',
  cmyk: 'cmyk',
};

/** The same with equal red, green and blue. */
const COLOURED: Readonly<Record<string, Metadata['space']>> = { 'b-w': 'srgb', grey16: 'rgb16' };

/** The names of the supported sample formats in libvips. */
const NUMBERS: Readonly<Record<string, NumbersOf>> = {
  uchar: Uint8Array,
  char: Int8Array,
  ushort: Uint16Array,
  short: Int16Array,
  uint: Uint32Array,
  int: Int32Array,
  float: Float32Array,
  double: Float64Array,
};
type NumbersOf = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): Samples;
};

let loaded: typeof import('sharp').default | undefined;

/**
 * Loads sharp once, with one thread and no cache: a worker has few cores, and keeps its own pixels. `require` does it in a
 * third of the time of `import`, which parses CommonJS files for what they export before it runs them.
 */
function loadSharp(): typeof import('sharp').default {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)('sharp') as typeof import('sharp').default;
    loaded.concurrency(1);
    loaded.cache(false);
  }
  return loaded;
}
