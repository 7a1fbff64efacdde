/** @file Resizing against torchvision, on Pillow images and on tensors with antialias. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../../shared/data/pipeline/decode.ts';
import { resample } from '../../../../shared/data/pixels/resample.ts';

interface Fixture {
  wide: { width: number; height: number; pixels: string };
  resizes: {
    interpolation: 'bicubic' | 'bilinear';
    resize: 'stretch' | 'crop';
    cropFraction: number;
    size: number;
    pixels: string;
    tensor?: string;
  }[];
}

const path = join(import.meta.dirname, '../../../fixtures/augment/augment.json');
const fixture: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

/** Largest and mean difference, in levels of 255. */
function difference(a: Uint8Array, b: Uint8Array) {
  const levels = Array.from(a, (value, i) => Math.abs(value - (b[i] as number)));
  return { max: Math.max(...levels), mean: levels.reduce((x, y) => x + y) / levels.length };
}

describe('resizing is that of torchvision', () => {
  it.each(fixture.resizes)('$interpolation, $resize to $size', async (expected) => {
    const { width, height, pixels } = fixture.wide;
    const raw = { width, height, channels: 3 };
    const sample = { index: 0, label: 0, name: 'wide', raw, bytes: bytes(pixels) };
    const ours = await decodeImage(sample, { ...expected, imageSize: expected.size, channels: 3 });
    expect(ours).toEqual(bytes(expected.pixels));
    if (expected.tensor === undefined) return;
    const { max } = difference(ours, bytes(expected.tensor));
    expect(max).toBeLessThanOrEqual(1);
  });
});

describe('a picture of more than a megapixel', () => {
  const wide = bytes(fixture.wide.pixels);
  const small = {
    pixels: wide,
    width: fixture.wide.width,
    height: fixture.wide.height,
    channels: 3,
  };
  const large = resample(small, { size: { width: 1260, height: 840 }, interpolation: 'bicubic' });
  const raw = { width: large.width, height: large.height, channels: 3 };
  const sample = { index: 0, label: 0, name: 'large', raw, bytes: large.pixels };

  it.each(['bicubic', 'bilinear'] as const)('is close, %s', async (interpolation) => {
    const options = { imageSize: 96, channels: 3, resize: 'stretch', cropFraction: 1 } as const;
    const ours = await decodeImage(sample, { ...options, interpolation });
    const exact = resample(large, { size: { width: 96, height: 96 }, interpolation });
    const { max, mean } = difference(ours, exact.pixels);
    expect(max).toBeLessThanOrEqual(3);
    expect(mean).toBeLessThan(0.5);
  });
});
