/**
 * @file Image files of every mode, depth, alpha, orientation and subsampling against Pillow's convert('RGB') and
 * convert('L'), and squares of them against torchvision and timm: the same bytes, but for the exceptions that
 * docs/data.md names.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type DecodeOptions,
  decodeImage,
  decodeWhole,
} from '../../../shared/data/pipeline/decode.ts';
import { fileSample } from '../../support/data.ts';

interface FileCase {
  name: string;
  file: string;
  /** Width and height, upright; digests of the pixels as RGB, as grey, and on a colour. */
  size: [number, number];
  rgb: string;
  grey: string;
  onOrange?: string;
  /** What Pillow says where it reads nothing. */
  refused?: string;
  /** Of AVIF, whose pixels are close to Pillow's. */
  pixels?: string;
}
interface Fixture {
  files: FileCase[];
  large: Record<string, string>;
  squares: { name: string; mode: 'RGB' | 'L'; timm: string; torchvision: string }[];
}

const path = join(import.meta.dirname, '../../fixtures/pixels/pixels.json');
const { files, large, squares }: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const digest = (pixels: Uint8Array) =>
  createHash('sha256').update(pixels).digest('hex').slice(0, 16);
const sampleOf = ({ name, file }: Pick<FileCase, 'name' | 'file'>) => fileSample(name, bytes(file));
const whole = (file: FileCase, channels: 1 | 3, background?: string) =>
  decodeWhole(sampleOf(file), { channels, background, interpolation: 'bicubic', sideMax: 2 ** 16 });

/** The first of the three equal channels of a grey picture. */
const oneOfThree = (pixels: Uint8Array) => pixels.filter((_, i) => i % 3 === 0);

const isDeepGrey = ({ name }: FileCase) => /grey 16 bit/.test(name);
const isAvif = ({ name }: FileCase) => name.startsWith('avif');
const isForeign = ({ name }: FileCase) => /ycbcr|zstd|grey table of 16/.test(name);
const equal = files.filter(
  (file) => !isDeepGrey(file) && !isAvif(file) && !isForeign(file) && file.refused === undefined,
);

describe('files of all kinds', () => {
  it('are enough', () => {
    expect(equal.length).toBeGreaterThan(250);
  });

  it.each(equal)('$name has the pixels of Pillow', async (file) => {
    const rgb = await whole(file, 3);
    expect([rgb.width, rgb.height]).toEqual(file.size);
    expect(digest(rgb.pixels)).toBe(file.rgb);
    expect(digest(oneOfThree((await whole(file, 1)).pixels))).toBe(file.grey);
  });

  // Of 4 bits Pillow widens the levels, but not the transparent one.
  const clear = equal.filter(
    ({ name, onOrange }) => onOrange !== undefined && !name.startsWith('png grey 4 bit'),
  );
  it.each(clear)('$name lies on a colour as Pillow pastes it', async (file) => {
    expect(digest((await whole(file, 3, '#ff800a')).pixels)).toBe(file.onOrange);
  });

  const opaque = equal.filter(({ name }) => ['png rgb', 'jpeg grey', 'bmp RLE8'].includes(name));
  it.each(opaque)('$name is the same on any colour', async (file) => {
    expect(digest((await whole(file, 3, '#ff800a')).pixels)).toBe(file.rgb);
  });
});

describe('exceptions', () => {
  it.each(files.filter(isAvif))('$name is close to Pillow', async (file) => {
    const { pixels } = await whole(file, 3);
    const expected = bytes(file.pixels!);
    const levels = pixels.map((value, i) => Math.abs(value - expected[i]!));
    // Where colours are stored at half the resolution, libheif enlarges them in another way than libavif.
    const isFull = /4:4:4|grey/.test(file.name);
    expect(Math.max(...levels)).toBeLessThanOrEqual(isFull ? 1 : 80);
  });

  it('16-bit grey keeps its higher byte, where Pillow makes all above 255 white', async () => {
    const file = files.find(({ name }) => name === 'tiff grey 16 bit <')!;
    const eight = files.find(({ name }) => name === 'tiff grey 8 bit <')!;
    expect(digest((await whole(file, 3)).pixels)).toBe(eight.rgb);
    for (const deep of files.filter(isDeepGrey)) {
      const { pixels } = await whole(deep, 1);
      expect(new Set(pixels).size).toBeGreaterThan(20);
    }
  });

  it.each([
    ['tiff ycbcr raw', /YCbCr without JPEG/],
    ['tiff rgb zstd', /ZSTD/],
    ['tiff lab raw', /lab/],
  ])('%s is refused by name', async (name, reason) => {
    const file = files.find((one) => one.name === name)!;
    await expect(whole(file, 3)).rejects.toThrow(reason);
  });

  const refused = files.filter((file) => file.refused !== undefined && !isForeign(file));
  it.each(refused)('$name is refused as by Pillow', async (file) => {
    await expect(whole(file, 3)).rejects.toThrow(/cannot decode/);
  });
});

describe('squares', () => {
  const timm: DecodeOptions = {
    ...{ imageSize: 28, channels: 3, resize: 'crop', cropFraction: 0.9 },
    interpolation: 'bicubic',
  };
  const torchvision = { ...timm, cropFraction: 0.875, interpolation: 'bilinear' } as const;
  it.each(squares)('of $name in $mode have the bytes of timm and torchvision', async (square) => {
    const file = large[square.name] ?? files.find(({ name }) => name === square.name)!.file;
    const channels = square.mode === 'L' ? 1 : 3;
    const pixelsOf = async (how: DecodeOptions) => {
      const pixels = await decodeImage(sampleOf({ name: square.name, file }), { ...how, channels });
      return channels === 3
        ? pixels
        : Uint8Array.from({ length: pixels.length * 3 }, (_, i) => pixels[Math.floor(i / 3)]!);
    };
    expect(digest(await pixelsOf(timm))).toBe(square.timm);
    expect(digest(await pixelsOf(torchvision))).toBe(square.torchvision);
  });
});
