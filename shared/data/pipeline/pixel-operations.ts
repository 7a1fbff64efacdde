/** @file Operations on the pixels of a square image, in the arithmetic of Pillow. Pure; the image stays as it is. */

/** A square image. Shapes  pixels [size, size, channels], channels 1 or 3. */
interface SquareImage {
  readonly pixels: Uint8Array;
  readonly size: number;
  readonly channels: number;
}

/** An operation; returns new pixels of the same shape, or the same ones when nothing changes. */
type Operation = (image: SquareImage, strength: number) => Uint8Array;

/** Names of the operations. */
export type OperationName =
  | 'identity'
  | 'shearX'
  | 'shearY'
  | 'translateX'
  | 'translateY'
  | 'rotate'
  | 'brightness'
  | 'colour'
  | 'contrast'
  | 'sharpness'
  | 'posterize'
  | 'solarize'
  | 'autoContrast'
  | 'equalize';

/** The operations; strengths are shears, pixels, degrees, changes of a factor, bits, a level. */
export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  identity: ({ pixels }) => pixels,
  shearX: (image, shear) => transformed(image, [1, shear, 0, 0, 1, 0]),
  shearY: (image, shear) => transformed(image, [1, 0, 0, shear, 1, 0]),
  translateX: (image, offset) => transformed(image, [1, 0, -offset, 0, 1, 0]),
  translateY: (image, offset) => transformed(image, [1, 0, 0, 0, 1, -offset]),
  rotate: (image, degrees) => transformed(image, rotation(image.size, degrees)),
  brightness: (image, change) => blended(image.pixels, () => 0, 1 + change),
  colour: (image, change) => {
    const { pixels, channels } = image;
    if (channels === 1) return pixels;
    return blended(pixels, (at) => luminance(pixels, at - (at % channels), channels), 1 + change);
  },
  contrast: (image, change) => {
    const mean = meanLuminance(image);
    return blended(image.pixels, () => mean, 1 + change);
  },
  sharpness: (image, change) => {
    const smooth = smoothed(image);
    return blended(image.pixels, (at) => smooth[at] as number, 1 + change);
  },
  posterize: ({ pixels }, bits) => {
    const mask = 0xff & ~(2 ** (8 - bits) - 1);
    return pixels.map((value) => value & mask);
  },
  solarize: ({ pixels }, level) => pixels.map((value) => (value < level ? value : 255 - value)),
  autoContrast: (image) => perChannel(image, autoContrastTable),
  equalize: (image) => perChannel(image, equalizeTable),
};

/** Where each pixel comes from: x' = a x + b y + c, y' = d x + e y + f, at the centres of pixels. */
type Transform = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Counter-clockwise around the centre. */
function rotation(size: number, degrees: number): Transform {
  const angle = (-degrees * Math.PI) / 180;
  const round = (value: number) => Math.round(value * 1e15) / 1e15;
  const [cos, sin] = [round(Math.cos(angle)), round(Math.sin(angle))];
  const centre = size / 2;
  return [
    cos,
    sin,
    centre - cos * centre - sin * centre,
    -sin,
    cos,
    centre + sin * centre - cos * centre,
  ];
}

/** Nearest neighbours; black outside the image. */
function transformed({ pixels, size, channels }: SquareImage, transform: Transform): Uint8Array {
  const [a, b, c, d, e, f] = transform;
  const target = new Uint8Array(pixels.length);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const fromX = Math.floor(a * (x + 0.5) + b * (y + 0.5) + c);
      const fromY = Math.floor(d * (x + 0.5) + e * (y + 0.5) + f);
      if (fromX < 0 || fromX >= size || fromY < 0 || fromY >= size) continue;
      const from = (fromY * size + fromX) * channels;
      const to = (y * size + x) * channels;
      for (let i = 0; i < channels; i += 1) target[to + i] = pixels[from + i] as number;
    }
  }
  return target;
}

/** From `other` (factor 0) through the image (1) and beyond; cut, not rounded, as Pillow does. */
function blended(pixels: Uint8Array, other: (at: number) => number, factor: number): Uint8Array {
  const target = new Uint8Array(pixels.length);
  const alpha = Math.fround(factor);
  for (let at = 0; at < pixels.length; at += 1) {
    const from = other(at);
    const value = Math.fround(from + Math.fround(alpha * ((pixels[at] as number) - from)));
    target[at] = value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
  }
  return target;
}

/** Source  ITU-R 601-2 in Pillow's fixed point. */
function luminance(pixels: Uint8Array, at: number, channels: number): number {
  const [red = 0, green = 0, blue = 0] = [pixels[at], pixels[at + 1], pixels[at + 2]];
  if (channels === 1) return red;
  return (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
}

function meanLuminance({ pixels, channels }: SquareImage): number {
  let sum = 0;
  for (let at = 0; at < pixels.length; at += channels) sum += luminance(pixels, at, channels);
  return Math.trunc(sum / (pixels.length / channels) + 0.5);
}

/** A 3 x 3 mean with five times the weight in the middle; the edge stays. */
function smoothed({ pixels, size, channels }: SquareImage): Uint8Array {
  // Not slice: of a Buffer, which samples from the coordinator are, that is a view.
  const target = new Uint8Array(pixels);
  const row = size * channels;
  for (let y = 1; y < size - 1; y += 1) {
    for (let at = y * row + channels; at < (y + 1) * row - channels; at += 1) {
      let sum = 4 * (pixels[at] as number);
      for (const down of [-row, 0, row]) {
        for (const right of [-channels, 0, channels]) sum += pixels[at + down + right] as number;
      }
      target[at] = Math.trunc(sum / 13 + 0.5);
    }
  }
  return target;
}

/** Sends each channel through a table made of its histogram; without a table it stays. */
function perChannel(
  { pixels, channels }: SquareImage,
  tableOf: (histogram: Uint32Array) => Uint8Array | undefined,
): Uint8Array {
  // Not slice: of a Buffer, which samples from the coordinator are, that is a view.
  const target = new Uint8Array(pixels);
  for (let channel = 0; channel < channels; channel += 1) {
    const histogram = new Uint32Array(256);
    for (let at = channel; at < pixels.length; at += channels) {
      const level = pixels[at] as number;
      histogram[level] = (histogram[level] as number) + 1;
    }
    const table = tableOf(histogram);
    if (table === undefined) continue;
    for (let at = channel; at < pixels.length; at += channels) {
      target[at] = table[pixels[at] as number] as number;
    }
  }
  return target;
}

/** The darkest level becomes 0, the brightest 255. */
function autoContrastTable(histogram: Uint32Array): Uint8Array | undefined {
  const low = histogram.findIndex((count) => count > 0);
  const high = histogram.findLastIndex((count) => count > 0);
  if (high <= low) return undefined;
  const scale = 255 / (high - low);
  return Uint8Array.from({ length: 256 }, (_, level) =>
    Math.max(0, Math.min(255, Math.trunc(level * scale - low * scale))),
  );
}

/** As many pixels of each level as can be. */
function equalizeTable(histogram: Uint32Array): Uint8Array | undefined {
  const last = histogram.findLastIndex((count) => count > 0);
  const total = histogram.reduce((a, b) => a + b, 0);
  const step = Math.floor((total - (histogram[last] as number)) / 255);
  if (step === 0) return undefined;
  let sum = Math.floor(step / 2);
  return Uint8Array.from(histogram, (count) => {
    const level = Math.min(255, Math.floor(sum / step));
    sum += count;
    return level;
  });
}
