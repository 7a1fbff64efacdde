/** @file Image files against torchvision's and timm's evaluation transforms; the average of weights against timm's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type DecodeOptions, decodeImage } from '../../../shared/data/decode.ts';
import { updateAverage } from '../../../shared/training/average.ts';
import { relativeL2 } from '../compute/support.ts';

interface Fixture {
  files: Record<string, string>;
  cases: (Omit<DecodeOptions, 'channels'> & {
    file: string;
    as: string;
    pixels: string;
    tensor?: string;
  })[];
  averages: {
    values: number[][];
    runs: { warmup: boolean; steps: { decay: number; average: number[] }[] }[];
  };
}

const path = join(import.meta.dirname, '../../fixtures/parity/pictures.json');
const { files, cases, averages }: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

/** Largest and mean difference from a PNG file, in levels of 255. */
async function difference(ours: Uint8Array, png: string) {
  const expected = await sharp(bytes(png)).removeAlpha().raw().toBuffer();
  const levels = Array.from(ours, (value, i) => Math.abs(value - expected[i]!));
  expect(ours).toHaveLength(expected.length);
  return { max: Math.max(...levels), mean: levels.reduce((a, b) => a + b) / levels.length };
}

describe.each(cases)('$file at $imageSize px, $interpolation, $resize', (expected) => {
  const sample = { index: 0, label: 0, name: expected.file, bytes: bytes(files[expected.file]!) };
  const decoded = () => decodeImage(sample, { ...expected, channels: 3 });

  it(`is that of ${expected.as}`, async () => {
    const { max, mean } = await difference(await decoded(), expected.pixels);
    console.log(expected.file, expected.as, expected.imageSize, max, mean);
    expect(max).toBeLessThanOrEqual(0);
    expect(mean).toBeLessThan(0.5);
  });

  it.runIf(expected.tensor !== undefined)('is that of torchvision on tensors', async () => {
    const { max, mean } = await difference(await decoded(), expected.tensor!);
    console.log(expected.file, 'tensor', expected.imageSize, max, mean);
    expect(max).toBeLessThanOrEqual(0);
    expect(mean).toBeLessThan(0.5);
  });
});

it.each(averages.runs)("moves the average as timm's (warm-up $warmup)", ({ steps }) => {
  const [first, ...later] = averages.values.map((values) => Float32Array.from(values));
  const average = first!.slice();
  for (const [i, { decay, average: expected }] of steps.entries()) {
    updateAverage(average, later[i]!, decay);
    expect(relativeL2(average, Float32Array.from(expected))).toBeLessThan(1e-6);
  }
});
