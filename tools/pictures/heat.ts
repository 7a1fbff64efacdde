/** @file Heat over a photo: how much of something each place has, in colours that a legend explains. Pure. */
import type { RgbImage } from './image.ts';
import { interpolated } from './pixels.ts';
import { COLOURS, text } from './svg.ts';

/** Black over red to pale yellow. Source  nine colours of matplotlib's inferno. */
const INFERNO: readonly (readonly [number, number, number])[] = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];

/** Share of the pixels that are as hot as can be: single patches outshine the rest. */
const HOTTEST = 0.02;
/** Share of them that are cold: every place has a little. */
const COLDEST = 0.4;
/** What of a pixel's colour is heat where it is cold, and how much more where it is hot; the rest is the photo in grey. */
const HEAT = { least: 0.35, more: 0.4 } as const;

/**
 * The photo in grey under the heat of its patches.
 *
 * Shapes  values [side, side], from the upper left.
 */
export function heated(image: RgbImage, values: Float32Array, side: number): RgbImage {
  const fine = interpolated(values, side, image.width);
  const sorted = fine.toSorted();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(COLDEST), at(1 - HOTTEST)];
  const pixels = new Uint8Array(image.pixels.length);
  for (const [place, value] of fine.entries()) {
    const share = high === low ? 0 : Math.max(0, Math.min(1, (value - low) / (high - low)));
    const colour = inferno(share);
    const [red = 0, green = 0, blue = 0] = image.pixels.subarray(3 * place, 3 * place + 3);
    const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    const heat = HEAT.least + HEAT.more * share;
    for (let channel = 0; channel < 3; channel += 1) {
      pixels[3 * place + channel] = heat * (colour[channel] as number) + (1 - heat) * grey;
    }
  }
  return { ...image, pixels };
}

/** Values as colours alone, as hot as in `heated`. Shapes  any -> [.., 3]. */
export function heatColours(values: Float32Array): Uint8Array {
  const sorted = values.toSorted();
  const high = sorted[Math.floor((1 - HOTTEST) * (sorted.length - 1))] ?? 1;
  const pixels = new Uint8Array(3 * values.length);
  for (const [at, value] of values.entries()) {
    pixels.set(inferno(high === 0 ? 0 : Math.min(1, value / high)).map(Math.round), 3 * at);
  }
  return pixels;
}

/** Height of the legend below. */
export const HEAT_LEGEND_HEIGHT = 34;

/** A bar of the colours, with what they mean. */
export function heatLegend(
  { left, top }: { readonly left: number; readonly top: number },
  [cold, hot]: readonly [cold: string, hot: string],
): string[] {
  const stops = INFERNO.map(
    (colour, at) =>
      `<stop offset="${at / (INFERNO.length - 1)}" stop-color="rgb(${colour.join(',')})"/>`,
  );
  const y = top + 22;
  const label = (content: string, x: number) =>
    text(content, { x, y, size: 12, colour: COLOURS.ink });
  const coldWidth = 8 * cold.length;
  return [
    `<defs><linearGradient id="heat">${stops.join('')}</linearGradient></defs>`,
    label(cold, left),
    `<rect x="${left + coldWidth}" y="${y - 11}" width="140" height="12" fill="url(#heat)"/>`,
    label(hot, left + coldWidth + 150),
  ];
}

function inferno(share: number): readonly number[] {
  const place = share * (INFERNO.length - 1);
  const low = Math.min(Math.floor(place), INFERNO.length - 2);
  const [from = [0, 0, 0], to = from] = [INFERNO[low], INFERNO[low + 1]];
  return from.map((value, at) => value + (place - low) * ((to[at] as number) - value));
}
