/** @file What a loop of one's own trains with: the batches that workers get, and the steps that a coordinator takes. */
import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  openTraining,
  type ParameterTensors,
  tf,
  variables,
  vit,
} from '../../../../model.ts';
import { forEachSplit } from '../../../../shared/core/work.ts';
import { createImagePipeline } from '../../../../shared/data/pipeline/pipeline.ts';
import { Feeder } from '../../../../worker/leaves/feeder.ts';
import { gradients } from '../../../support/program-data.ts';

const { config, dataSource } = gradients();
const open = (...set: string[]) => openTraining(config, { dataSource, set });

describe('the batches', () => {
  it('are the leaves of a worker, bit by bit: augmented, mixed, weighed by class, without the padding', async () => {
    const training = await open(
      ...['training.batchSize=20', 'data.augment.flip=true', 'data.augment.shift=2'],
      ...['data.augment.mixup=0.4', 'data.augment.cutmix=1', 'training.classWeights=[1,3]'],
    );
    const { imageSize, channels } = training.model;
    const feeder = new Feeder({
      config: training.config,
      sizes: dataSource.size,
      pipeline: createImagePipeline(training.config.data, {
        imageSize,
        seed: training.config.seed,
      }),
      read: async function* (split, indices) {
        for (const index of indices) yield await dataSource.read(split, index);
      },
      readFeatures: async () => [],
      width: training.model.width,
      keepsFeatures: forEachSplit(() => false),
    });
    let seen = 0;
    for await (const batch of training.batches()) {
      const index = batch.step - 1;
      // 64 samples are 3 batches of 20 and one of 4.
      expect(batch.epoch).toBe(Math.floor(index / 4) + 1);
      const place = { kind: 'train', epoch: Math.floor(index / 4), batch: index % 4 } as const;
      const task = {
        ...place,
        step: index,
        version: index,
        first: 0,
        count: index % 4 < 3 ? 3 : 1,
      };
      expect(batch.images.shape).toEqual([index % 4 < 3 ? 20 : 4, channels, imageSize, imageSize]);
      for (let leaf = 0; leaf < task.count; leaf += 1) {
        await feeder.fetch(task);
        const { inputs } = await feeder.leaf(task, leaf);
        const [first, size] = [8 * leaf, Math.min(8, batch.images.shape[0] - 8 * leaf)];
        const same = (ours: tf.Tensor, theirs: ArrayLike<number>) => {
          const values = ours.size / ours.shape[0]!;
          expect([...ours.dataSync()].slice(first * values, (first + size) * values)).toEqual(
            [...Array.from(theirs)].slice(0, size * values),
          );
        };
        same(batch.images, inputs.images);
        same(batch.labels, inputs.labels);
        same(batch.weights, inputs.weights);
        same(batch.mix!.labels, inputs.mix!.labels);
        same(batch.mix!.shares, inputs.mix!.shares);
      }
      seen += 1;
    }
    expect(seen).toBe(training.steps);
    expect(seen).toBe(8);
  });

  it('are freed when the next is asked for, and at the end', async () => {
    const training = await open('model.dropout=0.1');
    const before = tf.memory().numTensors;
    const held: tf.Tensor[] = [];
    for await (const { images, step } of training.batches(3)) {
      held.push(images);
      expect(held.map(({ isDisposed }) => isDisposed)).toEqual(held.map((_, at) => at + 1 < step));
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leave an image that cannot be read with weight 0, or end there', async () => {
    const broken = {
      ...dataSource,
      read: async (split: 'train' | 'validation' | 'test', index: number) => {
        const sample = await dataSource.read(split, index);
        return index === 5 ? { ...sample, raw: undefined } : sample;
      },
    };
    const skipping = await openTraining(config, {
      dataSource: broken,
      set: ['training.batchSize=64'],
    });
    for await (const { weights, labels } of skipping.batches(1)) {
      expect(tf.sum(weights).dataSync()[0]).toBe(63);
      const logits = tf.zeros([64, 2]) as tf.Tensor2D;
      expect(crossEntropy(logits, { labels, weights }).dataSync()[0]).toBeCloseTo(Math.log(2), 6);
    }
    const set = ['training.batchSize=64', 'data.onBadImage=fail'];
    const failing = await openTraining(config, { dataSource: broken, set });
    await expect(failing.batches(1).next()).rejects.toThrow('train#5');
  });
});

/** Takes steps on batches of the data; returns the variables, the first values and the steps. */
async function steps(count: number, ...set: string[]) {
  const training = await open(...set);
  const first = await training.parameters();
  const trained = variables(first);
  const optimizer = training.optimizer();
  const taken = [];
  for await (const batch of training.batches(count)) {
    const { grads } = tf.variableGrads(() =>
      crossEntropy(vit(batch.images, trained, training.model), batch),
    );
    taken.push(optimizer.step(trained, grads));
  }
  const changed = Object.keys(first).filter(
    (name) => !sameValues(first[name] as tf.Tensor, trained[name] as tf.Tensor),
  );
  tf.dispose(Object.values(trained));
  return { training, optimizer, taken, changed, first };
}

function sameValues(one: tf.Tensor, other: tf.Tensor): boolean {
  return Buffer.from(one.dataSync().buffer).equals(Buffer.from(other.dataSync().slice().buffer));
}

describe('the optimizer', () => {
  it('follows the schedule and leaves what is frozen as it is', async () => {
    const { taken, changed } = await steps(
      2,
      'model.freeze=backbone',
      'training.schedule.warmupSteps=4',
    );
    expect(taken.map(({ step, learningRate }) => [step, learningRate])).toEqual([
      [1, 0.0025],
      [2, 0.005],
    ]);
    expect(changed).toEqual(['head.weight', 'head.bias']);
  });

  it('refuses what is missing and what is not finite, and then has taken no step', async () => {
    const { training, first } = await steps(0);
    const trained = variables(first);
    const optimizer = training.optimizer();
    const ones: ParameterTensors = Object.fromEntries(
      Object.entries(first).map(([name, tensor]) => [name, tf.onesLike(tensor)]),
    );
    const { cls_token: _, ...others } = ones;
    expect(() => optimizer.step(trained, others)).toThrow('no parameter "cls_token"');
    const broken = { ...ones, 'head.bias': tf.tensor1d([Number.NaN, 1]) };
    expect(() => optimizer.step(trained, broken)).toThrow('the gradient of step 1 is not finite');
    const short = { ...ones, 'head.bias': tf.tensor1d([1]) };
    expect(() => optimizer.step(trained, short)).toThrow('head.bias is [1], and the model has [2]');
    expect(Object.keys(first).every((name) => sameValues(first[name]!, trained[name]!))).toBe(true);
    expect(optimizer.step(trained, ones).step).toBe(1);
    tf.dispose(Object.values(trained));
  });

  it('is not made for a schedule that follows evaluations', async () => {
    const training = await open('training.schedule.name=plateau');
    expect(() => training.optimizer()).toThrow('the schedule plateau follows the evaluations');
  });
});

it('a config is refused as train() refuses it', async () => {
  await expect(open('training.batchSize=65')).rejects.toThrow('which has 64');
  await expect(openTraining('quickstrat')).rejects.toThrow('no folder or file quickstrat');
});
