/**
 * @file Resizing with the arithmetic of Pillow, which torchvision and timm resize with.
 *
 * libvips enlarges with another grid of sample points: half a pixel off, six levels in the mean. So what becomes
 * larger is resized here; what becomes smaller, libvips does within three levels and much faster.
 *
 * Source  Pillow's Resample.c: separable, the filter widened by the ratio where it shrinks, coefficients in fixed
 *         point, 8 bits between the two passes.
 */

/** How far a filter reaches, and its value at a distance. */
interface Filter {
  readonly support: number;
  at(x: number): number;
}

/** Catmull-Rom's cubic, and the triangle. */
const FILTERS: Readonly<Record<'bicubic' | 'bilinear', Filter>> = {
  bicubic: {
    support: 2,
    at(x) {
      const d = Math.abs(x);
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
      return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    },
  },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
};

/** Pixels in rows. Shapes  pixels [height, width, channels]. */
export interface Raster {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Resizes an image to `size`. Shapes  [height, width, channels] of the new size. */
export function resample(
  image: Raster,
  size: { readonly width: number; readonly height: number },
  interpolation: 'bicubic' | 'bilinear',
): Raster {
  const { channels } = image;
  const filter = FILTERS[interpolation];
  const wide =
    image.width === size.width
      ? image.pixels
      : stretched(image.pixels, {
          from: image.width,
          to: size.width,
          lines: image.height,
          step: channels,
          lineStep: image.width * channels,
          lineStepTo: size.width * channels,
          channels,
          filter,
        });
  const pixels =
    image.height === size.height
      ? wide
      : stretched(wide, {
          from: image.height,
          to: size.height,
          lines: size.width,
          step: size.width * channels,
          lineStep: channels,
          lineStepTo: channels,
          channels,
          filter,
        });
  return { ...size, pixels, channels };
}

/** One pass along one axis. Units  steps in bytes. */
interface Pass {
  /** Pixels along the axis, before and after. */
  readonly from: number;
  readonly to: number;
  /** Lines along the axis. */
  readonly lines: number;
  /** From a pixel of a line to the next. */
  readonly step: number;
  /** From a line to the next, before and after. */
  readonly lineStep: number;
  readonly lineStepTo: number;
  readonly channels: number;
  readonly filter: Filter;
}

/** Bits behind the point of a coefficient. */
const ONE = 2 ** 22;

function stretched(source: Uint8Array, pass: Pass): Uint8Array {
  const { to, lines, step, lineStep, lineStepTo, channels } = pass;
  // Clamped: what goes beyond black or white stays there.
  const target = new Uint8ClampedArray(to * lines * channels);
  for (let at = 0; at < to; at += 1) {
    const { first, weights } = weightsOf(pass, at);
    for (let line = 0; line < lines; line += 1) {
      const start = line * lineStep + first * step;
      const place = line * lineStepTo + at * step;
      for (let channel = 0; channel < channels; channel += 1) {
        target[place + channel] = weighted(source, start + channel, step, weights);
      }
    }
  }
  return new Uint8Array(target.buffer);
}

function weighted(source: Uint8Array, start: number, step: number, weights: Float64Array): number {
  let sum = ONE / 2;
  for (let tap = 0; tap < weights.length; tap += 1) {
    sum += (weights[tap] as number) * (source[start + tap * step] as number);
  }
  return Math.floor(sum / ONE);
}

/** The pixels that a new pixel is made of. */
function weightsOf({ from, to, filter }: Pass, at: number) {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const reach = filter.support * widening;
  const centre = (at + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - reach + 0.5));
  const limit = Math.min(from, Math.trunc(centre + reach + 0.5));
  const weights = Float64Array.from({ length: limit - first }, (_, tap) =>
    filter.at((tap + first - centre + 0.5) / widening),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return { first, weights: weights.map((weight) => fixed(weight / sum)) };
}

function fixed(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}
