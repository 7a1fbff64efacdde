/** @file What a feeder fetches and prepares: samples once, images that cannot be read, features instead of images. */
import { expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { toHalves } from '../../../../shared/core/floats.ts';
import { forEachSplit, type Split } from '../../../../shared/core/work.ts';
import { Feeder, type FeederOptions } from '../../../../worker/leaves/feeder.ts';
import { smallConfig } from '../../../support/config.ts';
import { rawSample } from '../../../support/data.ts';

const WIDTH = 2;
const sizes = { train: 20, validation: 0, test: 12 };
const task = { kind: 'test', step: 0, version: 0, epoch: 0, batch: 0, first: 0, count: 2 } as const;
const config = smallConfig({ training: { batchSize: 8, microBatch: 8 } });

/** A feeder of samples whose label and pixels are their index; 3 cannot be decoded. */
function feederOf(more: Partial<FeederOptions> = {}) {
  const asked: (readonly number[])[] = [];
  const feeder = new Feeder({
    config,
    sizes,
    pipeline: {
      allocate: (values) => new Float32Array(values),
      load: async ({ index }, _epoch, target) => {
        if (index === 3) throw new TesseraError('DATA_INVALID', 'three');
        target.fill(index);
      },
    },
    read: async function* (_split: Split, indices: readonly number[]) {
      asked.push(indices);
      for (const index of indices) {
        yield { ...rawSample(1, 1, Uint8Array.of(index)), index, label: index };
      }
    },
    readFeatures: async () => [],
    width: WIDTH,
    keepsFeatures: forEachSplit(() => false),
    ...more,
  });
  return { feeder, asked };
}

it('asks for the samples of a task once, and prepares its leaves', async () => {
  const { feeder, asked } = feederOf();
  await feeder.fetch(task);
  await feeder.fetch(task);
  expect(asked).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]);
  expect(feeder.numLeaves(task)).toBe(2);
  const [first, last] = [await feeder.leaf(task, 0), await feeder.leaf(task, 1)];
  expect(first.badSamples).toEqual([{ index: 3, reason: 'three' }]);
  expect([...first.inputs.weights]).toEqual([1, 1, 1, 0, 1, 1, 1, 1]);
  expect([...last.inputs.labels]).toEqual([8, 9, 10, 11, 0, 0, 0, 0]);
  expect([...last.inputs.weights]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  expect(last.features).toBeUndefined();
  expect(asked).toHaveLength(1);
});

it('prefetches the batch after a training task, of the next epoch after the last one', async () => {
  const { feeder, asked } = feederOf();
  const training = { ...task, kind: 'train', batch: 2, count: 1 } as const;
  await feeder.fetch(training);
  await feeder.prefetchNext(training, []);
  // One sample of the next batch is here already.
  expect(asked.map(({ length }) => length)).toEqual([4, 7]);
  expect(new Set(asked.flat()).size).toBe(11);
  await feeder.prefetchNext(task, [0]);
  expect(asked).toHaveLength(2);
});

it('prepares leaves of the next batch early, once, and again where that failed', async () => {
  const loaded: number[] = [];
  let fails = false;
  const { feeder } = feederOf({
    pipeline: {
      allocate: (values) => new Float32Array(values),
      load: async ({ index }, _epoch, target) => {
        loaded.push(index);
        if (fails) throw new Error('the disk is away');
        target.fill(index);
      },
    },
  });
  const training = { ...task, kind: 'train', batch: 0, count: 1 } as const;
  const next = { ...training, batch: 1 };
  await feeder.prefetchNext(training, [0]);
  const early = await feeder.leaf(next, 0);
  expect(loaded).toHaveLength(8);
  expect(await feeder.leaf(next, 0)).toEqual(early);
  expect(loaded).toHaveLength(16);
  fails = true;
  await feeder.prefetchNext(training, [0]);
  await expect(feeder.leaf({ ...next }, 0)).rejects.toThrow('the disk is away');
  await feeder.prefetchNext(training, [0]);
  fails = false;
  expect((await feeder.leaf(next, 0)).inputs).toEqual(early.inputs);
});

it('features that are known spare the images; those that are computed are kept', async () => {
  const known = [8, 9, 10].map((index) => ({
    ...{ index, label: index },
    values: Float32Array.of(index, index),
  }));
  const { feeder, asked } = feederOf({
    keepsFeatures: forEachSplit((split) => split === 'test'),
    readFeatures: async (_split, indices) => known.filter(({ index }) => indices.includes(index)),
  });
  const last = { ...task, first: 1, count: 1 };
  await feeder.fetch(last);
  expect(asked).toEqual([[11]]);
  const leaf = await feeder.leaf(last, 1);
  expect([...(leaf.features?.isKnown ?? [])]).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
  expect(leaf.unknown).toEqual([{ place: 3, index: 11, label: 11 }]);
  const computed = Float32Array.from({ length: 8 * WIDTH }, (_, at) => at);
  expect(feeder.keep(last, leaf, computed)).toMatchObject([{ index: 11, label: 11 }]);
  const again = await feeder.leaf(last, 1);
  expect(again.inputs.images).toHaveLength(0);
  expect([...again.inputs.labels].slice(0, 4)).toEqual([8, 9, 10, 11]);
  expect([...(again.features?.values ?? [])].slice(6, 8)).toEqual([6, 7]);
});

it('images that are mixed as float32 go to the device as halves where these are asked for', async () => {
  const data = { transfer: 'float16', augment: { mixup: 0.4 } };
  const mixing = smallConfig({ data, training: { batchSize: 8, microBatch: 8 } });
  const training = { ...task, kind: 'train', count: 1 } as const;
  const leafOf = async (options: Partial<FeederOptions>) => {
    const { feeder } = feederOf(options);
    await feeder.fetch(training);
    return (await feeder.leaf(training, 0)).inputs;
  };
  const float32 = { ...mixing, data: { ...mixing.data, transfer: 'float32' } } as const;
  const [halves, floats] = [await leafOf({ config: mixing }), await leafOf({ config: float32 })];
  expect(halves.images).toEqual(toHalves(floats.images as Float32Array));
  expect(halves.mix).toEqual(floats.mix);
});
