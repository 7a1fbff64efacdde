/**
 * @file JPEG files of the commonest kind by SIMD kernels, the part that is wanted and no more: the bytes of libjpeg-turbo,
 * and so of Pillow, in half the time of libvips and in the thread that asks.
 *
 * Fields of a frame and of a code's table are those of shared/kernels/assembly/jpeg-scan.ts.
 */
import { type BaselineJpeg, baselineJpeg, type Code } from './formats/jpeg-baseline.ts';
import type { Box } from './geometry.ts';
import { Places, pixelKernels } from './kernels.ts';
import type { Raster } from './raster.ts';

/** Zeros behind the data, and what kernels read and write beyond the end of a row. */
const BEYOND_BYTES = 384;

const FRAME_BYTES = 192;
const BLOCK_BYTES = 128;
const COMPONENT_AT = 64;
const COMPONENT_BYTES = 32;
/** A code's table: what its first bits mean, the limits and places of longer codes, and what those mean. */
const TABLE_BYTES = 5376;
const [LIMITS_AT, PLACES_AT, MEANINGS_AT] = [4096, 4224, 4352];
const LOOKUP_BITS = 10;
const IS_VALUE = 32;
const IS_END = 64;
const FAULT = 127 << 8;

/** Most pixels of a file, in about 20 ms: nothing else happens meanwhile. */
const PIXELS_MAX = 2 ** 22;

/**
 * Decodes a part of a file, or all of it; the pixels are lent, see `kernels.ts`. Nothing of a file of another kind, and of
 * one that is not all in order: another decoder says what is wrong with it.
 */
export function decodeByKernels(bytes: Uint8Array, part: Box | undefined): Raster | undefined {
  const file = baselineJpeg(bytes);
  if (file === undefined || file.width * file.height > PIXELS_MAX) return undefined;
  const box = part ?? { left: 0, top: 0, width: file.width, height: file.height };
  const layout = layoutOf(file, box);
  const loaded = pixelKernels(layout.bytes);
  if (loaded === undefined) return undefined;
  const { kernels, buffer } = loaded;
  new Uint8Array(buffer, layout.stuffed, file.coded.length).set(file.coded);
  const codedBytes = kernels.unstuffed(layout.stuffed, file.coded.length, layout.coded);
  if (codedBytes < 0) return undefined;
  writeFrame(buffer, file, layout, codedBytes);
  if (kernels.decodeScan(layout.frame) === 0) return undefined;
  const { units, target, line, sums, planes } = layout;
  const { width, height } = box;
  const [left, top] = [box.left - units.left * 8 * file.h, box.top - units.top * 8 * file.v];
  const [luma, blue, red] = planes as [number, number?, number?];
  const stride = strideOf(units);
  if (blue === undefined || red === undefined) {
    const pixels = new Uint8Array(width * height);
    for (let y = 0; y < height; y += 1) {
      pixels.set(new Uint8Array(buffer, luma + (top + y) * stride + left, width), y * width);
    }
    return { width, height, channels: 1, pixels };
  }
  const columns = Math.min(Math.ceil(file.width / file.h) - units.left * 8, stride);
  const rows = Math.min(Math.ceil(file.height / file.v), units.bottom * 8) - units.top * 8;
  kernels.jpegColours(
    ...([luma, blue, red, stride, file.h, file.v, columns, rows] as const),
    ...([left, top, width, height, target, line, ...sums] as const),
  );
  return { width, height, channels: 3, pixels: new Uint8Array(buffer, target, width * height * 3) };
}

/** Units of 8 x 8 samples of colour that are kept; the first rows are decoded, but not kept. */
interface Units {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The units of a part, with the samples beside it: colours are smoothed over them. */
function unitsOf({ width, height, h, v }: BaselineJpeg, box: Box): Units {
  const range = (first: number, count: number, length: number, step: number) => {
    const last = Math.floor((first + count - 1) / step) + 1;
    return [
      Math.floor(Math.max(Math.floor(first / step) - 1, 0) / 8),
      Math.min(Math.floor(last / 8) + 1, Math.ceil(length / step / 8)),
    ] as const;
  };
  const [left, right] = range(box.left, box.width, width, h);
  const [top, bottom] = range(box.top, box.height, height, v);
  return { left, right, top, bottom };
}

/** Samples of colour in a row of those that are kept. */
function strideOf({ left, right }: Units): number {
  return 8 * (right - left);
}

type Layout = ReturnType<typeof layoutOf>;

/** Where everything lies in the memory. */
function layoutOf(file: BaselineJpeg, box: Box) {
  const { h, v, components, coded } = file;
  const units = unitsOf(file, box);
  const stride = strideOf(units);
  const samples = stride * 8 * (units.bottom - units.top);
  const places = new Places();
  const frame = places.take(FRAME_BYTES);
  const block = places.take(BLOCK_BYTES);
  const order = places.take(NATURAL_ORDER.length);
  const codes = new Map<Code, number>();
  for (const { levels, rest } of components) {
    for (const code of [levels, rest])
      if (!codes.has(code)) codes.set(code, places.take(TABLE_BYTES));
  }
  const steps = components.map(() => places.take(BLOCK_BYTES));
  const planes = components.map((_, at) =>
    places.take((at === 0 ? samples * h * v : samples) + BEYOND_BYTES),
  );
  const sum = () => places.take(2 * stride + BEYOND_BYTES);
  return {
    ...{ units, frame, block, order, codes, steps, planes },
    sums: [sum(), sum()] as const,
    line: places.take(3 * h * stride + BEYOND_BYTES),
    target: places.take(box.width * box.height * components.length),
    stuffed: places.take(coded.length),
    coded: places.take(coded.length + BEYOND_BYTES),
    get bytes() {
      return places.end + BEYOND_BYTES;
    },
  };
}

/** Writes what the kernel reads: the frame, its components and their tables; the block is all zeros. */
function writeFrame(
  buffer: SharedArrayBuffer,
  { width, height, h, v, components }: BaselineJpeg,
  { units, frame, block, order, codes, steps, planes, coded }: Layout,
  codedBytes: number,
): void {
  const stride = strideOf(units);
  const { left, right, top, bottom } = units;
  const [across, down] = [Math.ceil(width / (8 * h)), Math.ceil(height / (8 * v))];
  const fields = new Int32Array(buffer, frame, FRAME_BYTES / 4).fill(0);
  fields.set([coded, codedBytes, components.length, across, left, right, top, bottom]);
  fields.set([down, order, block], 8);
  new Uint8Array(buffer, block, BLOCK_BYTES).fill(0);
  new Uint8Array(buffer, order, NATURAL_ORDER.length).set(NATURAL_ORDER);
  for (const [at, component] of components.entries()) {
    const [ownH, ownV] = at === 0 ? [h, v] : [1, 1];
    const [levels, rest] = [codes.get(component.levels), codes.get(component.rest)];
    const stepsAt = steps[at] as number;
    fields.set(
      [ownH, ownV, levels, rest, stepsAt, planes[at], stride * ownH] as number[],
      (COMPONENT_AT + at * COMPONENT_BYTES) / 4,
    );
    const inOrder = new Int16Array(buffer, stepsAt, 64);
    for (let place = 0; place < 64; place += 1) {
      inOrder[(NATURAL_ORDER[place] as number) / 2] = component.steps[place] as number;
    }
  }
  for (const [code, at] of codes) {
    writeCode(
      buffer,
      at,
      code,
      components.some(({ levels }) => levels === code),
    );
  }
}

/** Writes the table of a code, of levels or of the rest. */
function writeCode(
  buffer: SharedArrayBuffer,
  at: number,
  { counts, symbols }: Code,
  isOfLevels: boolean,
): void {
  const lookup = new Int32Array(buffer, at, 2 ** LOOKUP_BITS).fill(0);
  const limits = new Int32Array(buffer, at + LIMITS_AT, 32);
  const placesOf = new Int32Array(buffer, at + PLACES_AT, 32);
  const meanings = new Int32Array(buffer, at + MEANINGS_AT, 256);
  meanings.set(Array.from(symbols, isOfLevels ? meaningOfLevel : meaningOfRest));
  let next = 0;
  let place = 0;
  for (const [shorter, count] of counts.entries()) {
    const length = shorter + 1;
    placesOf[length] = place - next;
    for (const end = place + count; place < end; place += 1, next += 1) {
      if (length <= LOOKUP_BITS) writeShort(lookup, next, length, meanings[place] as number);
    }
    limits[length] = next << (16 - length);
    next <<= 1;
  }
}

/** Writes what all bits mean that begin with a short code, with the value where they have all of it. */
function writeShort(lookup: Int32Array, code: number, length: number, meaning: number): void {
  const room = LOOKUP_BITS - length;
  const first = code << room;
  const size = meaning >> 16;
  if ((meaning & (IS_VALUE | IS_END)) !== 0 || size === 0 || size > room) {
    lookup.fill(meaning | length, first, first + (1 << room));
    return;
  }
  for (let rest = 0; rest < 1 << room; rest += 1) {
    const bits = rest >> (room - size);
    const value = bits >> (size - 1) === 0 ? bits - (1 << size) + 1 : bits;
    lookup[first + rest] = (value << 16) | (meaning & 0xff00) | IS_VALUE | (length + size);
  }
}

function meaningOfLevel(size: number): number {
  return size === 0 ? IS_VALUE : size << 16;
}

function meaningOfRest(symbol: number): number {
  const [zeros, size] = [symbol >> 4, symbol & 15];
  if (size > 0) return size > 10 ? FAULT : (size << 16) | (zeros << 8);
  // Sixteen zeros are fifteen and a value of zero.
  if (zeros === 15) return (zeros << 8) | IS_VALUE;
  return zeros === 0 ? IS_END | (64 << 8) : FAULT;
}

/** Where the coefficients of the file's zigzag lie in a block, in bytes. */
const NATURAL_ORDER = zigzag();

function zigzag(): Uint8Array {
  const places: number[] = [];
  for (let sum = 0; sum < 15; sum += 1) {
    const diagonal = Array.from({ length: 8 }, (_, row) => [row, sum - row] as const).filter(
      ([, column]) => column >= 0 && column < 8,
    );
    // Odd ones go down, even ones up.
    if (sum % 2 === 0) diagonal.reverse();
    places.push(...diagonal.map(([row, column]) => 2 * (8 * row + column)));
  }
  return Uint8Array.from(places);
}
