/** @file Resizing in passes, of rows and of columns; and the passes in plain JavaScript. Pure. */
import type { Box, ImageSize } from './geometry.ts';
import { cutTo, type Raster } from './raster.ts';
import { plainColumns, plainRows } from './resample-plain.ts';
import { type Interpolation, type Range, type Taps, tapsOf } from './taps.ts';

/** What an image becomes. */
export interface Resizing {
  readonly size: ImageSize;
  readonly interpolation: Interpolation;
  /** The part of the resized image that is wanted, and made; undefined for all of it. */
  readonly box?: Box | undefined;
}

/** A resampling in one direction: of its rows, or of its columns. */
export interface Pass {
  readonly isRows: boolean;
  readonly taps: Taps;
}

/** `resample` in plain JavaScript. */
export function resampleByLoops(image: Raster, resizing: Resizing): Raster {
  const { part, passes, cut } = resizingPlan(image, resizing);
  return cutTo(resamplePlain(part, passes), cut);
}

/** The passes, one after the other. */
export function resamplePlain(image: Raster, passes: readonly Pass[]): Raster {
  return passes.reduce(
    (from, { isRows, taps }) => (isRows ? plainRows(from, taps) : plainColumns(from, taps)),
    image,
  );
}

/** The passes, the rows of the source that the first of them needs, and what is cut of the result. */
export function resizingPlan(image: Raster, { size, interpolation, box }: Resizing) {
  const whole = { left: 0, top: 0, ...size };
  const { left, top, width, height } = box ?? whole;
  const keepsWidth = image.width === size.width;
  const keepsHeight = image.height === size.height;
  const across = keepsWidth
    ? undefined
    : tapsOf(image.width, size.width, { first: left, count: width }, interpolation);
  const down = keepsHeight
    ? undefined
    : tapsOf(image.height, size.height, { first: top, count: height }, interpolation);
  const isTall =
    image.height > size.height && image.height - size.height > 2 * (image.width - size.width);
  // Of the rows, only those that count are resampled.
  const rows = down === undefined ? { first: top, count: height } : sourceRange(down);
  const part = rows.count === image.height ? image : rowsOf(image, rows);
  const columns = down && {
    isRows: false,
    taps: { ...down, firsts: down.firsts.map((first) => first - rows.first) },
  };
  const lines = across && { isRows: true, taps: across };
  const inOrder = isTall ? [columns, lines] : [lines, columns];
  const passes = inOrder.filter((pass) => pass !== undefined);
  const isCut = keepsWidth && width !== image.width;
  const cut = isCut ? { left, top: 0, width, height } : undefined;
  return { part, passes, cut };
}

/** The source pixels of all taps. */
function sourceRange({ firsts, counts }: Taps): Range {
  const first = firsts[0] as number;
  const last = firsts.length - 1;
  return { first, count: (firsts[last] as number) + (counts[last] as number) - first };
}

function rowsOf({ pixels, width, channels }: Raster, { first, count }: Range): Raster {
  const rowBytes = width * channels;
  const part = pixels.subarray(first * rowBytes, (first + count) * rowBytes);
  return { pixels: part, width, height: count, channels };
}
