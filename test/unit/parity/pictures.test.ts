/** @file Image files against torchvision's and timm's evaluation transforms; the average of weights against timm's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { type DecodeOptions, decodeImage } from '../../../shared/data/pipeline/decode.ts';
import { updateAverage } from '../../../shared/training/average.ts';
import { relativeL2 } from '../../support/compute.ts';
import { fileSample } from '../../support/data.ts';

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

async function pixelsOf(png: string): Promise<Uint8Array> {
  return new Uint8Array(await sharp(bytes(png)).removeAlpha().raw().toBuffer());
}

function decoded(options: (typeof cases)[number]): Promise<Uint8Array> {
  const sample = fileSample(options.file, bytes(files[options.file]!));
  return decodeImage(sample, { ...options, channels: 3 });
}

it.each(cases)('$file at $imageSize px has the bytes of $as', async (expected) => {
  expect(await decoded(expected)).toEqual(await pixelsOf(expected.pixels));
});

// On tensors torchvision rounds elsewhere: its own two ways differ as much.
const onTensors = cases.filter(({ tensor }) => tensor !== undefined);
it.each(onTensors)(
  '$file at $imageSize px is one level from torchvision on tensors',
  async (expected) => {
    const tensor = await pixelsOf(expected.tensor!);
    const levels = (await decoded(expected)).map((value, i) => Math.abs(value - tensor[i]!));
    expect(Math.max(...levels)).toBeLessThanOrEqual(1);
  },
);

it.each(averages.runs)("moves the average as timm's (warm-up $warmup)", ({ steps }) => {
  const [first, ...later] = averages.values.map((values) => Float32Array.from(values));
  const average = first!.slice();
  for (const [i, { decay, average: expected }] of steps.entries()) {
    updateAverage(average, later[i]!, decay);
    expect(relativeL2(average, Float32Array.from(expected))).toBeLessThan(1e-6);
  }
});
