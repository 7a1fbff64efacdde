/** @file The parameter table against the published counts and timm's names. */
import { describe, expect, it } from 'vitest';
import { initialParameters } from '../../../shared/model/init.ts';
import {
  modelSignature,
  parameterTable,
  parameterViews,
} from '../../../shared/model/parameters.ts';
import { parseVariant } from '../../../shared/model/variants.ts';

const imagenet = (name: string) => ({
  ...parseVariant(name),
  imageSize: 224,
  channels: 3,
  numClasses: 1000,
});

describe('parameter counts equal the published ones to the unit', () => {
  it.each([
    ['Ti/16', 5_717_416],
    ['S/16', 22_050_664],
    ['B/16', 86_567_656],
    ['L/16', 304_326_632],
  ])('%s has %i', (name, count) => {
    expect(parameterTable(imagenet(name)).size).toBe(count);
  });
});

describe('the table', () => {
  const { entries, size } = parameterTable(imagenet('Ti/16'));

  it("has timm's names and shapes", () => {
    const shapes = Object.fromEntries(entries.map(({ name, shape }) => [name, shape]));
    expect(shapes).toMatchObject({
      cls_token: [1, 1, 192],
      pos_embed: [1, 197, 192],
      'patch_embed.proj.weight': [192, 3, 16, 16],
      'blocks.0.attn.qkv.weight': [576, 192],
      'blocks.11.mlp.fc2.weight': [192, 768],
      'norm.bias': [192],
      'head.weight': [1000, 192],
    });
  });

  it('leaves no gap and no overlap', () => {
    let offset = 0;
    for (const entry of entries) {
      expect(entry.offset).toBe(offset);
      offset += entry.size;
    }
    expect(offset).toBe(size);
  });

  it('decays matrices only', () => {
    const decaying = entries.filter(({ decays }) => decays).map(({ name }) => name);
    expect(decaying.every((name) => name.endsWith('.weight') && !name.includes('norm'))).toBe(true);
    expect(decaying).toContain('blocks.3.mlp.fc1.weight');
  });
});

describe('the signature', () => {
  const spec = { model: imagenet('Ti/16'), microBatch: 8, labelSmoothing: 0 };

  it('follows from the spec', () => {
    expect(modelSignature(structuredClone(spec))).toBe(modelSignature(spec));
  });

  it.each([
    ['image size', { ...spec, model: { ...spec.model, imageSize: 240 } }],
    ['patch size', { ...spec, model: { ...spec.model, patchSize: 32 } }],
    ['channels', { ...spec, model: { ...spec.model, channels: 1 } }],
    ['width', { ...spec, model: { ...spec.model, width: 384 } }],
    ['depth', { ...spec, model: { ...spec.model, depth: 11 } }],
    ['heads, which no shape shows', { ...spec, model: { ...spec.model, heads: 6 } }],
    ['MLP width', { ...spec, model: { ...spec.model, mlpWidth: 384 } }],
    ['classes', { ...spec, model: { ...spec.model, numClasses: 10 } }],
    ['leaf', { ...spec, microBatch: 4 }],
    ['smoothing', { ...spec, labelSmoothing: 0.1 }],
  ])('changes with the %s', (_what, other) => {
    expect(modelSignature(other)).not.toBe(modelSignature(spec));
  });
});

describe('variants', () => {
  it.each(['X/16', 'B16', 'B/0', 'B/', '/16'])('%s is refused with a hint', (name) => {
    expect(() => parseVariant(name)).toThrow(/CONFIG_INVALID.*expected a ViT variant/);
  });
});

describe('initial parameters', () => {
  const model = { ...parseVariant('Ti/16'), imageSize: 32, channels: 3, numClasses: 10, depth: 1 };
  const table = parameterTable(model);
  const views = parameterViews(initialParameters(model, 7), table);

  it('follow from the seed alone', () => {
    expect(initialParameters(model, 7)).toEqual(initialParameters(model, 7));
    expect(initialParameters(model, 8)).not.toEqual(initialParameters(model, 7));
  });

  it('begin with norms that change nothing, zero biases and a zero head', () => {
    expect(new Set(views.get('norm.weight'))).toEqual(new Set([1]));
    expect(new Set(views.get('blocks.0.mlp.fc1.bias'))).toEqual(new Set([0]));
    expect(new Set(views.get('head.weight'))).toEqual(new Set([0]));
  });

  it("have the deviation of Glorot's rule", () => {
    const weight = views.get('blocks.0.mlp.fc1.weight')!;
    const variance = weight.reduce((sum, value) => sum + value * value, 0) / weight.length;
    expect(variance).toBeCloseTo(2 / (192 + 768), 4);
  });
});
