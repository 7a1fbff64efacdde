/** @file The summary of a model against what is published. */
import { describe, expect, it } from 'vitest';
import { frozenSize } from '../../../shared/model/parameters.ts';
import { parseVariant } from '../../../shared/model/variants.ts';
import { summarise } from '../../../tools/inference/summary.ts';

const modelOf = (variant: string, numClasses = 1000) => {
  return { ...parseVariant(variant), imageSize: 224, channels: 3, numClasses };
};

describe('totals', () => {
  // Source: torchvision's tables of vit_*_* weights (num_params, _ops in GFLOPS of multiply-adds); DeiT's README for Ti and S.
  it.each([
    ['Ti/16', 5_717_416, 1.25],
    ['S/16', 22_050_664, 4.6],
    ['B/16', 86_567_656, 17.56],
    ['B/32', 88_224_232, 4.41],
    ['L/16', 304_326_632, 61.55],
    ['L/32', 306_535_400, 15.38],
    ['H/14', 632_045_800, 167.3],
  ])('%s has its published parameters and multiply-adds', (variant, parameters, billions) => {
    const summary = summarise(modelOf(variant), { batch: 1, frozen: 0 });
    expect(summary.parameters).toBe(parameters);
    expect(summary.multiplyAdds / 1e9).toBeCloseTo(billions, 1);
  });

  it("the chapter's ViT-B/16 has 85,800,963 parameters, of which a new head trains 2,307", () => {
    const model = modelOf('B/16', 3);
    const summary = summarise(model, { batch: 32, frozen: frozenSize(model, 'backbone') });
    expect(summary.parameters).toBe(85_800_963);
    expect(summary.trainable).toBe(2_307);
    expect(summary.layers[0]).toMatchObject({ input: [32, 3, 224, 224], output: [32, 3] });
  });

  it('add up over the layers, and grow with the batch', () => {
    const one = summarise(modelOf('Ti/16'), { batch: 1, frozen: 0 });
    const eight = summarise(modelOf('Ti/16'), { batch: 8, frozen: 0 });
    const top = one.layers.filter(({ depth }) => depth === 1);
    expect(top.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(one.parameters);
    expect(eight.multiplyAdds).toBe(8 * one.multiplyAdds);
    expect(eight.activationBytes).toBe(8 * one.activationBytes);
    expect(eight.parameterBytes).toBe(one.parameterBytes);
  });
});
