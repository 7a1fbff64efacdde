/** @file The parameter table against the published counts and timm's names. */
import { describe, expect, it } from 'vitest';
import { initialParameters, initialSlices } from '../../../../shared/model/init.ts';
import {
  modelSignature,
  parameterTable,
  parameterViews,
} from '../../../../shared/model/parameters.ts';
import { parseVariant } from '../../../../shared/model/variants.ts';

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

  it('decays matrices only: no bias, norm, class token or position', () => {
    for (const { name, decays } of entries) {
      const isMatrix = /^(patch_embed\.proj|blocks\.\d+\.(attn|mlp)\.\w+|head)\.weight$/.test(name);
      expect(decays, name).toBe(isMatrix);
    }
  });
});

describe('the signature', () => {
  const spec = { model: imagenet('Ti/16'), microBatch: 8, labelSmoothing: 0 };

  it('follows from the spec', () => {
    expect(modelSignature(structuredClone(spec))).toBe(modelSignature(spec));
  });

  it('is what it was where the epsilon of the norms is the usual one', () => {
    const spelled = { ...spec, model: { ...spec.model, normEpsilon: 1e-6 } };
    expect(modelSignature(spelled)).toBe(modelSignature(spec));
  });

  it.each([
    ['image size', { ...spec, model: { ...spec.model, imageSize: 240 } }],
    ['patch size', { ...spec, model: { ...spec.model, patchSize: 32 } }],
    ['channels', { ...spec, model: { ...spec.model, channels: 1 } }],
    ['width', { ...spec, model: { ...spec.model, width: 384 } }],
    ['depth', { ...spec, model: { ...spec.model, depth: 11 } }],
    ['heads, which no shape shows', { ...spec, model: { ...spec.model, heads: 6 } }],
    ['epsilon of the norms', { ...spec, model: { ...spec.model, normEpsilon: 1e-12 } }],
    ['MLP width', { ...spec, model: { ...spec.model, mlpWidth: 384 } }],
    ['classes', { ...spec, model: { ...spec.model, numClasses: 10 } }],
    ['leaf', { ...spec, microBatch: 4 }],
    ['smoothing', { ...spec, labelSmoothing: 0.1 }],
  ])('changes with the %s', (_what, other) => {
    expect(modelSignature(other)).not.toBe(modelSignature(spec));
  });
});

describe('variants', () => {
  it('are read from a size and a patch size', () => {
    const expected = { width: 768, depth: 12, heads: 12, mlpWidth: 3072, patchSize: 32 };
    expect(parseVariant('B/32')).toEqual(expected);
  });

  it.each(['X/16', 'b/16', 'B16', 'B/0', 'B/', '/16', 'B/16 ', 'B/1.5', ''])(
    '"%s" is refused with a hint',
    (name) => {
      const refused = expect.objectContaining({
        code: 'CONFIG_INVALID',
        sentence: expect.stringContaining(`"${name}"`),
        hint: expect.stringContaining('Ti, S, B, L, H'),
      });
      expect(() => parseVariant(name)).toThrow(refused);
    },
  );
});

describe('initial parameters', () => {
  const model = { ...parseVariant('Ti/16'), imageSize: 64, channels: 3, numClasses: 10, depth: 1 };
  const { entries } = parameterTable(model);
  const flat = initialParameters(model, 7);
  const views = parameterViews(flat, parameterTable(model));
  /** Whether two vectors have the same bits; a diff of the numbers would take seconds. */
  const isSame = (a: Float32Array, b: Float32Array) =>
    Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

  it('follow from the seed alone', () => {
    expect(isSame(initialParameters(model, 7), flat)).toBe(true);
    expect(isSame(initialParameters(model, 8), flat)).toBe(false);
  });

  it('are drawn in slices, between which others have their turn', () => {
    const slices = initialSlices(model, 7);
    let numSlices = 0;
    let next = slices.next();
    for (; !next.done; next = slices.next()) numSlices += 1;
    expect(isSame(next.value, flat)).toBe(true);
    expect(numSlices).toBeGreaterThan(flat.length / 2 ** 16);
  });

  it('begin with norms that change nothing, and zeros for biases, class token and head', () => {
    for (const { name } of entries) {
      const values = new Set(views.get(name));
      if (/norm\d?\.weight$/.test(name)) expect(values, name).toEqual(new Set([1]));
      else if (/bias$|^cls_token$|^head/.test(name)) expect(values, name).toEqual(new Set([0]));
      else expect(values.size, name).toBeGreaterThan(1000);
    }
  });

  it.each([
    ['pos_embed', 0.02 ** 2],
    ['patch_embed.proj.weight', 1 / (3 * 16 * 16)],
    ['blocks.0.attn.qkv.weight', 2 / (192 + 192)],
    ['blocks.0.attn.proj.weight', 2 / (192 + 192)],
    ['blocks.0.mlp.fc1.weight', 2 / (192 + 768)],
    ['blocks.0.mlp.fc2.weight', 2 / (192 + 768)],
  ])('%s has mean 0 and the variance of its rule, %d', (name, variance) => {
    const values = views.get(name)!;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    // Five standard errors of a mean, and of a variance of normal numbers.
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(variance / values.length));
    expect(Math.abs(meanSquare / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
  });

  it('take the deviation of positions that is asked for', () => {
    const wider = parameterViews(initialParameters(model, 7, 0.2), parameterTable(model));
    const [value] = views.get('pos_embed')!;
    expect(wider.get('pos_embed')![0]).toBeCloseTo(10 * value!, 6);
  });
});
