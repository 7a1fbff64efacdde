/** @file Images that threads make: the same bits as without threads, the same refusals, and what a dead thread leaves. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storageOf } from '../../../../shared/data/options.ts';
import { finishedLeaf } from '../../../../shared/data/pipeline/leaf.ts';
import { planMixing } from '../../../../shared/data/pipeline/mixing.ts';
import { createPooledPipeline } from '../../../../shared/data/pipeline/threads/pooled-pipeline.ts';
import type { EncodedSample } from '../../../../shared/data/source.ts';
import {
  dataConfig,
  fileSample,
  rawSample,
  temporaryFolder,
  writeFiles,
} from '../../../support/data.ts';

const SIZE = 24;
/** Threads run what was built. */
const ENTRY = new URL(
  '../../../../dist/shared/data/pipeline/threads/image-thread.js',
  import.meta.url,
);

/** Photos of several shapes, one of them turned by its EXIF data, one grey, one of many pixels, and one that is broken. */
async function photos(): Promise<EncodedSample[]> {
  const shapes = [
    [40, 30, 1],
    [31, 57, 6],
    [24, 24, 1],
    [1100, 960, 1],
    [90, 20, 8],
  ] as const;
  const files = await Promise.all(
    shapes.map(async ([width, height, orientation], seed) => {
      const pixels = Uint8Array.from(
        { length: width * height * 3 },
        (_, at) => 128 + 100 * Math.sin(seed + at / 50) + ((at * 31) % 17),
      );
      const image = sharp(pixels, { raw: { width, height, channels: 3 } });
      const file = orientation === 8 ? image.grayscale() : image;
      return await file.withMetadata({ orientation }).jpeg().toBuffer();
    }),
  );
  const broken = (files[0] as Buffer).subarray(0, 400);
  return [...files, broken].map((bytes, index) => ({
    ...fileSample(`train/a/${index}.jpg`, bytes),
    ...{ index, label: index },
  }));
}

const PHOTOS = photos();

function pipelineOf(config: ReturnType<typeof dataConfig>, threads: number, entry = ENTRY) {
  const storage = storageOf(config);
  const options = { imageSize: SIZE, seed: 3, storage };
  const pipeline = createPooledPipeline(config, options, { threads, entry });
  onTestFinished(async () => await pipeline.close?.());
  return pipeline;
}

async function leafOf(
  pipeline: ReturnType<typeof pipelineOf>,
  config: ReturnType<typeof dataConfig>,
  samples: readonly EncodedSample[],
  epoch: number | undefined,
) {
  const places = samples.map((_, at) => at);
  const { mixup, cutmix } = config.augment;
  const place = { seed: 3, epoch: epoch ?? 0, samples: places, imageSize: SIZE };
  const isMixed = epoch !== undefined && mixup + cutmix > 0;
  const leaf = await finishedLeaf(
    {
      ...{ pipeline, epoch, microBatch: samples.length + 1, numSamples: samples.length },
      imageFloats: config.channels * SIZE ** 2,
      read: async (at) => samples[at],
    },
    {
      mixtures: isMixed ? planMixing(config.augment, place) : undefined,
      ...{ imageSize: SIZE, isHalved: config.transfer === 'float16' },
    },
  );
  // What libvips says of a broken file is cut at times: its threads write it to one place.
  const bad = leaf.bad.map(({ place, error }) => [place, error.code, error.hint]);
  const { buffer, byteOffset, byteLength } = leaf.images;
  expect(buffer).toBeInstanceOf(ArrayBuffer);
  return { ...leaf, bad, images: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
}

describe('leaves from threads', () => {
  const crops = { flip: true, cropScale: [0.3, 0.9] };
  const settings = {
    'still images': {},
    'random crops, changes and erasing': { augment: { ...crops, policy: 'trivial', erasing: 0.5 } },
    'mixtures rounded to halves': {
      augment: { ...crops, mixup: 0.4, cutmix: 1 },
      transfer: 'float16',
    },
    'bytes without a cache': { augment: crops, transfer: 'uint8', cacheBytes: 1 },
    'a cache that is soon full': { augment: crops, cacheBytes: 25_000 },
  };

  it.each(Object.entries(settings))('have the same bits for any number: %s', async (_, options) => {
    const samples = await PHOTOS;
    const config = dataConfig({ source: 'image-folder', ...options });
    const pipelines = [0, 1, 3].map((threads) => pipelineOf(config, threads));
    const withoutCache = { ...config, cacheBytes: 1 };
    for (const epoch of [0, undefined, 1]) {
      const fresh = await leafOf(pipelineOf(withoutCache, 0), config, samples, epoch);
      expect(fresh.bad).toHaveLength(1);
      expect([...fresh.weights]).toEqual([1, 1, 1, 1, 1, 0, 0]);
      for (const pipeline of pipelines) {
        const leaf = await leafOf(pipeline, config, samples, epoch);
        expect(leaf).toEqual(fresh);
      }
    }
  });

  it('are made at once where the images are tiny, and by threads once some are not', async () => {
    const config = dataConfig({ source: 'program', channels: 1 });
    const pipeline = pipelineOf(config, 2, new URL('file:///nowhere.js'));
    const digit = rawSample(28, 1, new Uint8Array(784).fill(7));
    const { images, weights } = await leafOf(pipeline, config, [digit, digit], 0);
    expect([...weights]).toEqual([1, 1, 0]);
    expect(Buffer.from(images, 'base64').readFloatLE()).toBeCloseTo((7 / 255 - 0.5) / 0.5);
    const large = rawSample(80, 1, new Uint8Array(6400));
    await leafOf(pipeline, config, [large], 0);
    await expect(leafOf(pipeline, config, [large], 0)).rejects.toMatchObject({ code: 'SYSTEM' });
  });
});

it('a thread that ends fails what it had, and the next leaf has new threads', async () => {
  const folder = await temporaryFolder();
  const mark = join(folder, 'died');
  await writeFiles(folder, {
    'thread.mjs': `import { existsSync, writeFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      if (existsSync('${mark}')) await import('${ENTRY}');
      else parentPort.on('message', () => { writeFileSync('${mark}', ''); process.exit(3); });`,
  });
  const samples = await PHOTOS;
  const config = dataConfig({ source: 'image-folder' });
  const pipeline = pipelineOf(config, 2, pathToFileURL(join(folder, 'thread.mjs')));
  await expect(leafOf(pipeline, config, samples, 0)).rejects.toMatchObject({
    code: 'INTERNAL',
    sentence: 'a thread of images ended with code 3',
  });
  expect(existsSync(mark)).toBe(true);
  const again = await leafOf(pipeline, config, samples, 0);
  expect(again).toEqual(await leafOf(pipelineOf(config, 0), config, samples, 0));
  await pipeline.close?.();
  await expect(leafOf(pipeline, config, samples, 0)).rejects.toMatchObject({ code: 'INTERNAL' });
});
