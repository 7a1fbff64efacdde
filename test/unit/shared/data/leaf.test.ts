/** @file A leaf of images: one buffer, padded, and images that cannot be read. */
import { expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { assembleLeaf, type LeafOptions } from '../../../../shared/data/pipeline/leaf.ts';
import type { ImagePipeline } from '../../../../shared/data/pipeline/pipeline.ts';
import { rawSample } from '../../../support/data.ts';

/** Writes what is in the sample, and the epoch. */
const pipeline: ImagePipeline = {
  allocate: (values) => new Float32Array(values),
  load: async (sample, epoch, target) => {
    target.fill((sample.bytes[0] ?? 0) + (epoch ?? 0));
    if (sample.bytes[0] === 9) throw new TesseraError('DATA_INVALID', 'nine');
  },
};
const sampleOf = (value: number, label = value) => ({
  ...rawSample(1, 1, Uint8Array.of(value)),
  label,
});
const options = (values: readonly (number | undefined)[], more: Partial<LeafOptions> = {}) => ({
  ...{ pipeline, microBatch: 4, imageFloats: 2, numSamples: values.length },
  read: async (place: number) => {
    const value = values[place];
    return value === undefined ? undefined : sampleOf(value);
  },
  ...more,
});

it('has a place for each image, and padding of weight 0', async () => {
  const { images, labels, weights, bad } = await assembleLeaf(options([5, 6, 7], { epoch: 10 }));
  expect([...images]).toEqual([15, 15, 16, 16, 17, 17, 0, 0]);
  expect([...labels]).toEqual([5, 6, 7, 0]);
  expect([...weights]).toEqual([1, 1, 1, 0]);
  expect(bad).toEqual([]);
});

it('an image that cannot be read is black and counts for nothing; a place may be left out', async () => {
  const { images, weights, bad } = await assembleLeaf(options([9, undefined, 7, 9]));
  expect([...images]).toEqual([0, 0, 0, 0, 7, 7, 0, 0]);
  expect([...weights]).toEqual([0, 0, 1, 0]);
  expect(bad.map(({ place, error }) => [place, error.sentence])).toEqual([
    [0, 'nine'],
    [3, 'nine'],
  ]);
});

it('an error that is not of an image is thrown, and so is what a caller does not forgive', async () => {
  const broken = { read: () => Promise.reject(new TesseraError('SYSTEM', 'no memory')) };
  await expect(assembleLeaf(options([1], broken))).rejects.toMatchObject({ code: 'SYSTEM' });
  await expect(assembleLeaf(options([9], { isBad: () => false }))).rejects.toThrow('nine');
});
