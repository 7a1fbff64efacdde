/** @file The way to the model's input: normalisation, augmentation, the kept pixels. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { toHalves } from '../../../../shared/core/floats.ts';
import type { DataConfig } from '../../../../shared/data/options.ts';
import { augmentation } from '../../../../shared/data/pipeline/augment.ts';
import { createImagePipeline } from '../../../../shared/data/pipeline/pipeline.ts';
import type { EncodedSample } from '../../../../shared/data/source.ts';
import { dataConfig, expectInvalid, fileSample, rawSample } from '../../../support/data.ts';

const GREY = { source: 'mnist', channels: 1, mean: [0], deviation: [1 / 255] };
/** 1 2 3 / 4 5 6 / 7 8 9. */
const NINE = rawSample(3, 1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));

describe('createImagePipeline', () => {
  it('writes channels apart, each by its own mean and deviation', async () => {
    const sample = rawSample(1, 3, Uint8Array.of(0, 51, 255));
    const config = { source: 'mnist', mean: [0.5, 0.2, 0], deviation: [0.5, 0.1, 2] };
    const image = await load(dataConfig(config), sample, 1, undefined);
    expect(image[0]).toBe(-1);
    expect(image[1]).toBeCloseTo(0, 6);
    expect(image[2]).toBe(0.5);
  });

  it('uses one mean for all channels, and repeats grey where RGB is wanted', async () => {
    const config = dataConfig({ source: 'mnist', mean: [0.5], deviation: [0.5] });
    const image = await load(config, rawSample(1, 1, Uint8Array.of(255)), 1, undefined);
    expect([...image]).toEqual([1, 1, 1]);
  });

  it('keeps halves that are the rounded float32, and bytes that are the decoded pixels', async () => {
    const augment = { shift: 1, flip: true, policy: 'trivial' };
    const config = dataConfig({
      source: 'mnist',
      mean: [0.4, 0.5, 0.6],
      deviation: [0.2],
      augment,
    });
    const sample = rawSample(
      3,
      3,
      Uint8Array.from({ length: 27 }, (_, i) => (i * 37) & 255),
    );
    for (const epoch of [undefined, 0, 1, 2, 3]) {
      const floats = await load(config, sample, 3, epoch);
      const load16 = createImagePipeline(config, { imageSize: 3, seed: 3, storage: 'float16' });
      const halves = load16.allocate(27);
      await load16.load(sample, epoch, halves);
      expect(halves).toEqual(toHalves(floats));
      const load8 = createImagePipeline(config, { imageSize: 3, seed: 3, storage: 'uint8' });
      const bytes = load8.allocate(27);
      await load8.load(sample, epoch, bytes);
      const normalised = [...bytes].map(
        (byte, i) => (byte / 255 - [0.4, 0.5, 0.6][Math.floor(i / 9)]!) / 0.2,
      );
      expect(floats).toEqual(Float32Array.from(normalised));
    }
  });

  it('flips, then shifts, and fills with black; a test image stays as it is', async () => {
    const config = dataConfig({ ...GREY, mean: [0.5], augment: { shift: 1, flip: true } });
    const black = -127.5;
    for (let epoch = 0; epoch < 40; epoch += 1) {
      const { flip, shiftX, shiftY } = augmentation(config, 3, epoch, 0);
      const expected = Array.from({ length: 9 }, (_, i) => {
        const [x, y] = [(i % 3) - shiftX, Math.floor(i / 3) - shiftY];
        if (x < 0 || x > 2 || y < 0 || y > 2) return black;
        return NINE.bytes[y * 3 + (flip ? 2 - x : x)]! + black;
      });
      expect([...(await load(config, NINE, 3, epoch))]).toEqual(expected);
    }
    const plain = [...NINE.bytes].map((value) => value + black);
    expect([...(await load(config, NINE, 3, undefined))]).toEqual(plain);
  });

  it('gives equal bytes whether pixels were kept or decoded again', async () => {
    const bytes = await sharp(
      Uint8Array.from({ length: 1200 }, (_, i) => (i * 37) & 255),
      {
        raw: { width: 20, height: 20, channels: 3 },
      },
    )
      .jpeg()
      .toBuffer();
    const options = { source: 'image-folder', augment: { shift: 2, flip: true } };
    const sample = fileSample('train/a/1.jpg', bytes);
    const keeping = createImagePipeline(dataConfig(options), { imageSize: 8, seed: 3 });
    const small = dataConfig({ ...options, cacheBytes: 1 });
    for (const epoch of [0, 1, undefined, 0]) {
      const target = new Float32Array(192);
      await keeping.load(sample, epoch, target);
      expect(target).toEqual(await load(small, sample, 8, epoch));
    }
    // Without its bytes the sample still comes from the kept pixels.
    const target = new Float32Array(192);
    await keeping.load({ ...sample, bytes: new Uint8Array(0) }, 0, target);
    expect(target).toEqual(await load(small, sample, 8, 0));
  });

  it('crops at random in training only, another part in every epoch', async () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 31) & 255);
    const config = dataConfig({ ...GREY, augment: { cropScale: [0.2, 0.5] } });
    const sample = rawSample(20, 1, bytes);
    const [first, again, next] = await Promise.all(
      [0, 0, 1].map((epoch) => load(config, sample, 20, epoch)),
    );
    expect(first).toEqual(again);
    expect(first).not.toEqual(next);
    expect(await load(config, sample, 20, undefined)).toEqual(Float32Array.from(bytes));
  });

  it('passes on the refusal of a bad image', async () => {
    const sample = fileSample('train/a/bad.jpg', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0));
    const loading = load(dataConfig({ source: 'image-folder' }), sample, 8, 0);
    await expectInvalid(loading, /train\/a\/bad\.jpg/);
  });
});

describe('augmentation', () => {
  const config = dataConfig({
    ...GREY,
    augment: { shift: 2, flip: true, cropScale: [0.25, 0.75] },
  });

  it('is decided by seed, epoch and sample, and by each of them', () => {
    const base = augmentation(config, 1, 2, 3);
    expect(augmentation(config, 1, 2, 3)).toEqual(base);
    expect(augmentation(config, 9, 2, 3)).not.toEqual(base);
    expect(augmentation(config, 1, 9, 3)).not.toEqual(base);
    expect(augmentation(config, 1, 2, 9)).not.toEqual(base);
  });

  it('uses the whole range of every change, and no more', () => {
    const many = Array.from({ length: 2000 }, (_, index) => augmentation(config, 1, 0, index));
    for (const key of ['shiftX', 'shiftY'] as const) {
      expect([...new Set(many.map((one) => one[key]))].sort((a, b) => a - b)).toEqual([
        -2, -1, 0, 1, 2,
      ]);
    }
    const flipped = many.filter((one) => one.flip).length;
    expect(Math.abs(flipped - 1000)).toBeLessThan(110);
    const areas = many.map((one) => one.cropRegion!.area);
    expect(Math.min(...areas)).toBeGreaterThanOrEqual(0.25);
    expect(Math.max(...areas)).toBeLessThanOrEqual(0.75);
    const aspects = many.map((one) => one.cropRegion!.aspect);
    expect(Math.min(...aspects)).toBeCloseTo(3 / 4, 2);
    expect(Math.max(...aspects)).toBeCloseTo(4 / 3, 2);
  });

  it('does nothing when everything is off', () => {
    const still = { cropRegion: undefined, flip: false, shiftX: 0, shiftY: 0 };
    for (let index = 0; index < 20; index += 1) {
      expect(augmentation(dataConfig(GREY), 1, 0, index)).toEqual(still);
    }
  });
});

async function load(
  config: DataConfig,
  sample: EncodedSample,
  imageSize: number,
  epoch: number | undefined,
): Promise<Float32Array> {
  const target = new Float32Array(config.channels * imageSize ** 2);
  await createImagePipeline(config, { imageSize, seed: 3 }).load(sample, epoch, target);
  return target;
}
