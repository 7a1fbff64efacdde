/** @file The data layer on real photographs, where the shared data are there. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../../shared/data/pipeline/decode.ts';
import { createImagePipeline } from '../../../../shared/data/pipeline/pipeline.ts';
import { openDataSource } from '../../../../shared/data/sets/open.ts';
import { dataConfig, expectInvalid, fileSample } from '../../../support/data.ts';

const SHARED = process.env['TESSERA_SHARED'] ?? join(import.meta.dirname, '../../../../../shared');
const DATA = join(SHARED, 'data');
const isThere = existsSync(DATA);
if (!isThere) process.stderr.write(`skipped: tests of real photographs, there is no ${DATA}\n`);

describe.skipIf(!isThere)('real photographs', () => {
  const sets: [string, number, { train: number; validation: number; test: number }][] = [
    ['cifar10', 10, { train: 5000, validation: 0, test: 1000 }],
    ['pizza_steak_sushi', 3, { train: 225, validation: 0, test: 75 }],
  ];
  it.each(sets)('come from %s, equal when read twice', async (path, numClasses, size) => {
    const config = dataConfig({ source: 'image-folder', path, augment: { flip: true, shift: 4 } });
    const source = await openDataSource(config, { seed: 1, baseFolder: DATA });
    expect(source.classes.length).toBe(numClasses);
    expect(source.size).toEqual(size);
    for (const index of [0, 100, 224]) {
      const load = async () => {
        const pipeline = createImagePipeline(config, { imageSize: 224, seed: 1 });
        const target = new Float32Array(3 * 224 * 224);
        await pipeline.load(await source.read('train', index), 5, target);
        return target;
      };
      const image = await load();
      // Typed arrays of this size are compared as bytes: vitest would walk them one by one.
      expect(Buffer.compare(asBytes(image), asBytes(await load()))).toBe(0);
      expect(image.every((value) => value >= -1 && value <= 1)).toBe(true);
      expect(new Set(image).size).toBeGreaterThan(50);
    }
  });

  it('keep their proportions under every resize, and are refused when cut off', async () => {
    const bytes = await readFile(join(DATA, 'photos', 'steak.jpg'));
    const base = { imageSize: 64, channels: 3, cropFraction: 0.9 } as const;
    const options = { ...base, interpolation: 'bicubic' } as const;
    for (const resize of ['crop', 'stretch'] as const) {
      const pixels = await decodeImage(fileSample('steak.jpg', bytes), { ...options, resize });
      expect(pixels.length).toBe(64 * 64 * 3);
    }
    const half = fileSample('half.jpg', bytes.subarray(0, bytes.length / 2));
    await expectInvalid(decodeImage(half, { ...options, resize: 'crop' }), /half\.jpg/);
  });
});

function asBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
