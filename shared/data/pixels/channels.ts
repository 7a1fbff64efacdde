/**
 * @file From the channels of a file to grey or RGB in 8 bits, with the arithmetic of Pillow's `convert`, which is what
 * torchvision and timm see. Pure.
 *
 * Source  Pillow's Convert.c, CMYK.c and Paste.c: luma in 16 bits of fraction, products of bytes over 255 rounded.
 */
import type { Raster } from './raster.ts';

/** Numbers as they are decoded. */
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A decoded image, its channels as the file has them. Shapes  samples [height, width, channels]. */
export interface RawImage {
  readonly samples: Samples;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** The meaning of the channels, except for alpha and extra channels. */
  readonly space: 'grey' | 'rgb' | 'cmyk';
  readonly hasAlpha: boolean;
}

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** The colour of a text such as `#3264c8`. */
export function colourOf(text: string): Colour {
  const number = Number.parseInt(text.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/**
 * Converts an image to grey (1 channel) or RGB. Alpha is dropped, or the image lies on `background`.
 *
 * Shapes  the result has `channels` channels, or 1 where the image is grey.
 * Throws  Error, saying why, for colours that are not of 8 or 16 bits.
 */
export function toRaster(image: RawImage, channels: 1 | 3, background: Colour | undefined): Raster {
  const { width, height, hasAlpha, space } = image;
  const source = { ...image, ...inRange(image) };
  const size = { width, height };
  if (background !== undefined && hasAlpha && space !== 'cmyk') {
    return inChannels(onColour(source, background), size, channels);
  }
  if (space === 'grey') return { ...size, channels: 1, pixels: greyOf(source) };
  return inChannels(space === 'rgb' ? rgbOf(source) : rgbOfInks(source), size, channels);
}

/** Samples whose bits above `shift` are 8. */
interface Source {
  readonly samples: Uint8Array | Uint16Array;
  readonly shift: number;
  readonly channels: number;
  readonly space: RawImage['space'];
}

/**
 * Samples as 8 bits: of 16 bits the higher byte, as Pillow does with colours; other numbers, which have no range of
 * their own, cut off at 0 and 255, as Pillow does.
 */
function inRange({ samples, space }: RawImage): Pick<Source, 'samples' | 'shift'> {
  if (samples instanceof Uint8Array) return { samples, shift: 0 };
  if (samples instanceof Uint16Array) return { samples, shift: 8 };
  if (space !== 'grey') throw new Error('its colours are not of 8 or 16 bits');
  const clipped = Uint8Array.from(samples, (value) =>
    Math.trunc(Math.min(255, Math.max(0, value))),
  );
  return { samples: clipped, shift: 0 };
}

/** The first channel alone. */
function greyOf({ samples, shift, channels }: Source): Uint8Array {
  if (samples instanceof Uint8Array && channels === 1) return samples;
  const grey = new Uint8Array(samples.length / channels);
  for (let i = 0, at = 0; i < grey.length; i += 1, at += channels) {
    grey[i] = (samples[at] as number) >> shift;
  }
  return grey;
}

function rgbOf({ samples, shift, channels }: Source): Uint8Array {
  if (samples instanceof Uint8Array && channels === 3) return samples;
  const rgb = new Uint8Array((samples.length / channels) * 3);
  for (let to = 0, at = 0; to < rgb.length; to += 3, at += channels) {
    rgb[to] = (samples[at] as number) >> shift;
    rgb[to + 1] = (samples[at + 1] as number) >> shift;
    rgb[to + 2] = (samples[at + 2] as number) >> shift;
  }
  return rgb;
}

/** `255 - K`, less the share of the coloured ink. */
function rgbOfInks({ samples, shift, channels }: Source): Uint8Array {
  const rgb = new Uint8Array((samples.length / channels) * 3);
  for (let to = 0, at = 0; to < rgb.length; to += 3, at += channels) {
    const light = 255 - ((samples[at + 3] as number) >> shift);
    for (let ink = 0; ink < 3; ink += 1) {
      rgb[to + ink] = light - share(((samples[at + ink] as number) >> shift) * light);
    }
  }
  return rgb;
}

/** An image with alpha on a colour. */
function onColour({ samples, shift, channels, space }: Source, background: Colour): Uint8Array {
  const step = space === 'grey' ? 0 : 1;
  const alphaAt = 1 + 2 * step;
  const rgb = new Uint8Array((samples.length / channels) * 3);
  for (let to = 0, at = 0; to < rgb.length; to += 3, at += channels) {
    const alpha = (samples[at + alphaAt] as number) >> shift;
    for (let channel = 0; channel < 3; channel += 1) {
      const own = (samples[at + channel * step] as number) >> shift;
      rgb[to + channel] = share(own * alpha + (background[channel] as number) * (255 - alpha));
    }
  }
  return rgb;
}

/** A product of two bytes over 255, rounded. */
function share(product: number): number {
  const more = product + 128;
  return (more + (more >> 8)) >> 8;
}

/** RGB, or its luma (ITU-R 601), Pillow's `L`. */
function inChannels(
  rgb: Uint8Array,
  size: { readonly width: number; readonly height: number },
  channels: 1 | 3,
): Raster {
  if (channels === 3) return { ...size, channels, pixels: rgb };
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < grey.length; i += 1, at += 3) {
    const red = (rgb[at] as number) * 19_595;
    const green = (rgb[at + 1] as number) * 38_470;
    grey[i] = (red + green + (rgb[at + 2] as number) * 7_471 + 0x8000) >> 16;
  }
  return { ...size, channels, pixels: grey };
}
