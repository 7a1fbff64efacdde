/** @file Resizing against torchvision, on Pillow images and on tensors with antialias. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../shared/data/decode.ts';

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

const path = join(import.meta.dirname, '../../fixtures/augment/augment.json');
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
    const found = difference(ours, bytes(expected.pixels));
    const tensor = expected.tensor && difference(ours, bytes(expected.tensor));
    expect({ found, tensor }).toEqual({ found: expect.objectContaining({}), tensor });
    expect(found.max, JSON.stringify({ found, tensor })).toBeLessThanOrEqual(3);
    expect(found.mean).toBeLessThan(0.5);
  });
});
