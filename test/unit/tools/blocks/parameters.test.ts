/** @file Parameters for the blocks: their counts against what is published, their first values, variables, weights of a file. */
import { describe, expect, it } from 'vitest';
import {
  crossEntropy,
  initialParameters,
  loadParameters,
  modelConfig,
  parameterTable,
  tf,
  variables,
  vit,
} from '../../../../model.ts';
import { initialParameters as initialValues } from '../../../../shared/model/init.ts';
import { parameterView } from '../../../../shared/model/parameters.ts';
import { Model } from '../../../../tools/inference/model.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';
import { largestDifference, TIMM, TIMM_MODEL } from '../../../support/timm-blocks.ts';
import { fixturePath } from '../../../support/weights.ts';

describe('the parameters of table 1 with 1000 classes', () => {
  it.each([
    ['Ti/16', [TIMM.counts.timm['vit_tiny_patch16_224']]],
    ['S/16', [TIMM.counts.timm['vit_small_patch16_224']]],
    ['B/16', [TIMM.counts.timm['vit_base_patch16_224'], TIMM.counts.torchvision['vit_b_16']]],
    ['B/32', [TIMM.counts.timm['vit_base_patch32_224']]],
    ['L/16', [TIMM.counts.timm['vit_large_patch16_224'], TIMM.counts.torchvision['vit_l_16']]],
    ['H/14', [TIMM.counts.timm['vit_huge_patch14_224'], TIMM.counts.torchvision['vit_h_14']]],
  ])('%s has as many as timm and torchvision have', (name, expected) => {
    const { entries, size } = parameterTable(modelConfig(name, { classes: 1000 }));
    expect(expected).toEqual(expected.map(() => size));
    const sizes = entries.map(({ shape }) => shape.reduce((product, side) => product * side, 1));
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(size);
  });
});

describe('first parameters', () => {
  it('have the bits that a run of this seed begins with, and the names and shapes of the table', () => {
    const flat = initialValues(TIMM_MODEL, 7, 0.5);
    const named = initialParameters(TIMM_MODEL, { seed: 7, positionDeviation: 0.5 });
    const { entries } = parameterTable(TIMM_MODEL);
    expect(Object.keys(named)).toEqual(entries.map(({ name }) => name));
    for (const entry of entries) {
      const tensor = named[entry.name] as tf.Tensor;
      expect(tensor.shape).toEqual(entry.shape);
      expect(tensor.dataSync()).toEqual(parameterView(flat, entry));
    }
    tf.dispose(Object.values(named));
  });

  it('as variables have gradients by their names, and TensorFlow.js’s own optimizer trains them', () => {
    const first = initialParameters(TIMM_MODEL, { seed: 7 });
    const trained = variables(first);
    const images = tf.randomNormal([4, 2, 12, 12], 0, 1, 'float32', 3) as tf.Tensor4D;
    const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
    const loss = () => crossEntropy(vit(images, trained, TIMM_MODEL), { labels });
    const { value, grads } = tf.variableGrads(loss);
    expect(Object.keys(grads).sort()).toEqual(Object.keys(first).sort());
    // The head begins with zeros: every class is as likely as the others.
    expect(value.dataSync()[0]).toBeCloseTo(Math.log(4), 6);
    const adam = tf.train.adam(0.01);
    for (let step = 0; step < 20; step += 1) adam.minimize(loss);
    expect(loss().dataSync()[0]).toBeLessThan(0.5);
    tf.dispose(Object.values(trained));
  });
});

it('weights of a file compute with the blocks what an open model computes', async () => {
  const path = fixturePath('timm.f32.safetensors');
  const { model, classes, parameters } = await loadParameters(path, { heads: 2 });
  const opened = await Model.start(await readModel(path, { heads: 2 }));
  const side = model.imageSize;
  expect(classes).toEqual(opened.classes);
  const data = Uint8Array.from({ length: side * side * 3 }, (_, at) => (at * 37) % 256);
  const [logits] = await opened.logits({ data, width: side, height: side, channels: 3 });
  const { mean, deviation } = opened.trained.config.data;
  await opened.close();
  const values = tf.div(tf.tensor3d(data, [side, side, 3], 'float32'), 255);
  const image = tf.div(tf.sub(values, tf.tensor(mean)), tf.tensor(deviation));
  const images = tf.reshape(tf.transpose(image, [2, 0, 1]), [1, 3, side, side]) as tf.Tensor4D;
  const ours = vit(images, parameters, model);
  expect(largestDifference(ours, tf.tensor2d([...(logits ?? [])], ours.shape))).toBeLessThan(1e-4);
});
