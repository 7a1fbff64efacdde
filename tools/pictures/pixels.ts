/** @file Images made of numbers: colour scales, enlarging, cutting, laying side by side. Pure. */
import type { RgbImage } from './image.ts';

/** Dark blue to yellow. Source  nine colours of matplotlib's viridis. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];

/** Colour of a share in 0..1. */
function viridis(share: number): readonly [number, number, number] {
  const place = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const [from = [0, 0, 0], to = from] = [VIRIDIS[low], VIRIDIS[low + 1]];
  const mixed = from.map((value, i) => {
    return Math.round(value + (place - low) * ((to[i] as number) - value));
  });
  return mixed as unknown as [number, number, number];
}

/** An image of one colour. */
export function blank(width: number, height: number, level = 255): RgbImage {
  return { width, height, pixels: new Uint8Array(width * height * 3).fill(level) };
}

/** Puts an image into another, which must have room for it. */
function paste(target: RgbImage, image: RgbImage, left: number, top: number): void {
  for (let y = 0; y < image.height; y += 1) {
    const row = image.pixels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    target.pixels.set(row, ((top + y) * target.width + left) * 3);
  }
}

/** A rectangle of an image. */
export function cut(
  image: RgbImage,
  box: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  },
): RgbImage {
  const part = blank(box.width, box.height);
  for (let y = 0; y < box.height; y += 1) {
    const first = ((box.top + y) * image.width + box.left) * 3;
    part.pixels.set(image.pixels.subarray(first, first + box.width * 3), y * box.width * 3);
  }
  return part;
}

/** Each pixel as a square of `factor` pixels. */
export function enlarged(image: RgbImage, factor: number): RgbImage {
  const large = blank(image.width * factor, image.height * factor);
  for (let y = 0; y < large.height; y += 1) {
    for (let x = 0; x < large.width; x += 1) {
      const from = (Math.floor(y / factor) * image.width + Math.floor(x / factor)) * 3;
      large.pixels.set(image.pixels.subarray(from, from + 3), (y * large.width + x) * 3);
    }
  }
  return large;
}

/** Equal images in rows and columns, `gap` white pixels between. */
export function mosaic(images: readonly RgbImage[], columns: number, gap: number): RgbImage {
  const [first] = images;
  if (first === undefined) return blank(1, 1);
  const rows = Math.ceil(images.length / columns);
  const whole = blank(columns * (first.width + gap) - gap, rows * (first.height + gap) - gap);
  for (const [at, image] of images.entries()) {
    const left = (at % columns) * (first.width + gap);
    paste(whole, image, left, Math.floor(at / columns) * (first.height + gap));
  }
  return whole;
}

/** Values as colours: `low` dark blue, `high` yellow. Shapes  [height, width]. */
export function heat(
  values: ArrayLike<number>,
  width: number,
  range: { readonly low: number; readonly high: number },
): RgbImage {
  const { low, high } = range;
  const image = blank(width, values.length / width);
  for (let i = 0; i < values.length; i += 1) {
    const share = high === low ? 0 : ((values[i] as number) - low) / (high - low);
    image.pixels.set(viridis(share), i * 3);
  }
  return image;
}

/** Values between those of a coarse square grid, linearly. Shapes  [side, side] -> [size, size]. */
export function interpolated(values: ArrayLike<number>, side: number, size: number): Float32Array {
  const fine = new Float32Array(size * size);
  const place = (at: number) => {
    const position = Math.max(0, Math.min(side - 1, ((at + 0.5) * side) / size - 0.5));
    const low = Math.min(Math.floor(position), Math.max(0, side - 2));
    return { low, high: Math.min(low + 1, side - 1), share: position - low };
  };
  for (let y = 0; y < size; y += 1) {
    const row = place(y);
    for (let x = 0; x < size; x += 1) {
      const column = place(x);
      const at = (r: number, c: number) => values[r * side + c] as number;
      const above =
        at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share;
      const below =
        at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share;
      fine[y * size + x] = above * (1 - row.share) + below * row.share;
    }
  }
  return fine;
}
