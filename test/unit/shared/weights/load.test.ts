/** @file What the libraries saved loads, and computes what they computed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inferModel } from '../../../../shared/weights/describe/infer.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { fitWeights } from '../../../../shared/weights/fit/fit.ts';
import {
  distance,
  fixtureImages,
  fixturePath,
  fixtures,
  logitsOf,
  model,
} from '../../../support/weights.ts';

const FORMATS = {
  safetensors: 'safetensors',
  folder: 'safetensors',
  zip: 'PyTorch zip',
  legacy: 'PyTorch legacy pickle',
};

describe('weights of other libraries', () => {
  it.each(fixtures)('$file ($library) gives the logits of its library', async (fixture) => {
    const path = fixturePath(fixture.file);
    const weights = await readWeights(path);
    expect(weights.naming).toBe(fixture.naming);
    expect(weights.format).toBe(FORMATS[fixture.container]);
    expect(weights.nesting).toBe(fixture.nesting);
    expect(weights.unknown).toEqual([]);
    const dtypes = new Set([...weights.tensors.values()].map(({ dtype }) => dtype));
    expect([...dtypes]).toEqual([fixture.dtype.toUpperCase()]);
    expect({ ...inferModel(weights).model, heads: model.heads }).toEqual(model);
    const parameters = fitWeights({ weights, model, head: 'keep', path }).parameters;
    const logits = await logitsOf(model, parameters, fixtureImages());
    expect(distance(logits, fixture.logits)).toBeLessThan(1e-5);
  });

  it('takes the classes, heads and pixels of a Hugging Face folder', async () => {
    const { info } = await readWeights(fixturePath('huggingface.f32'));
    expect(info).toMatchObject({
      heads: { value: model.heads, source: 'file', where: 'config.json' },
      classes: { value: ['pizza', 'steak', 'sushi'] },
      mean: { value: [0.5, 0.5, 0.5], source: 'file', where: 'preprocessor_config.json' },
      deviation: { value: [0.5, 0.5, 0.5] },
    });
  });
});

it('docs/weights.md lists every one of them', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../../docs/weights.md'), 'utf8');
  const lines = docs.split('\n');
  for (const { file, library, dtype } of fixtures) {
    const line = lines.find((text) => text.includes(`\`${file}\``));
    for (const word of [library, dtype]) expect(line).toContain(` ${word} |`);
  }
});

describe('what is refused', () => {
  it.each([
    ['refused-call.pth', /wants to call (posix|nt|os)\.system/],
    ['refused-call.legacy.pth', /wants to call (posix|nt|os)\.system/],
    [
      'refused-module.pth',
      /a whole module, a torchvision\.models\.vision_transformer\.VisionTransformer/,
    ],
    ['refused-distilled.pth', /distilled DeiT/],
    ['refused-linear.pth', /no tensor name matches a known ViT layout \(it has weight, bias\)/],
    ['fixtures.json', /fixtures\.json/],
    ['nothing-there.pth', /no such file/],
  ])('%s is refused by name', async (file, words) => {
    await expect(readWeights(fixturePath(file))).rejects.toThrow(words);
  });
});
