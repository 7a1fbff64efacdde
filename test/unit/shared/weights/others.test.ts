/** @file Weights as people save them: beside other objects, several in a file, in JAX's layout. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../../shared/model/variants.ts';
import { inferModel } from '../../../../shared/weights/describe/infer.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { fitWeights } from '../../../../shared/weights/fit/fit.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';
import { distance, fixturePath, logitsOf } from '../../../support/weights.ts';

const path = (file: string) => fixturePath(`others/${file}`);
/** Logits are those of timm for the first model and the second. */
const { model, logits, otherLogits } = JSON.parse(readFileSync(path('others.json'), 'utf8')) as {
  readonly model: ModelConfig;
  readonly logits: readonly number[];
  readonly otherLogits: readonly number[];
};
const images = Float32Array.from({ length: 2 * 3 * 4 * 4 }, (_, i) =>
  Math.sin(Math.fround(0.1 * i)),
);

async function logitsIn(file: string, key?: string): Promise<Float32Array> {
  const weights = await readWeights(path(file), { key });
  expect({ ...inferModel(weights).model, heads: model.heads }).toEqual(model);
  const parameters = fitWeights({ weights, model, head: 'keep', path: file }).parameters;
  return await logitsOf(model, parameters, images);
}

describe('a PyTorch file', () => {
  it.each([
    ['objects.pth', 'model.state_dict'],
    ['objects.legacy.pth', 'state_dict'],
  ])('%s loads: what is no tensor is stepped over, by its name', async (file, nesting) => {
    expect(distance(await logitsIn(file), logits)).toBeLessThan(1e-5);
    const weights = await readWeights(path(file));
    expect(weights.nesting).toBe(nesting);
    const { steppedOver = new Map<string, number>() } = weights;
    for (const name of [
      'argparse.Namespace',
      'torch.device',
      'torch.bfloat16',
      '__main__.Colour',
    ]) {
      expect(steppedOver.get(name), name).toBe(1);
    }
    expect([...steppedOver.keys()].join(' ')).toMatch(/numpy\.\S*scalar/);
  });

  it('with tensors beside the model that cannot be read loads', async () => {
    expect(distance(await logitsIn('rare-beside.legacy.pth'), logits)).toBeLessThan(1e-5);
  });

  it.each([
    ['refused-quantized.legacy.pth', '"blocks.0.mlp.fc1.weight" is a quantized tensor'],
    ['refused-float8.pth', '"norm.weight" is a tensor of torch.float8_e4m3fn'],
  ])('%s is refused by the name of the tensor', async (file, words) => {
    await expect(readWeights(path(file))).rejects.toThrow(words);
  });

  it('with two models is refused with the names of both, until a key says which', async () => {
    const file = 'two.legacy.pth';
    await expect(readWeights(path(file))).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining('"student.module.backbone", "teacher.backbone"'),
      hint: expect.stringContaining('--weights-key'),
    });
    expect(distance(await logitsIn(file, 'teacher'), logits)).toBeLessThan(1e-5);
    expect(distance(await logitsIn(file, 'student.module.backbone'), otherLogits)).toBeLessThan(
      1e-5,
    );
    await expect(readWeights(path(file), { key: 'ema' })).rejects.toMatchObject({
      message: expect.stringContaining('there is no model under "ema"'),
      hint: expect.stringContaining('"teacher.backbone"'),
    });
    const opened = await readModel(path(file), { heads: 2, weightsKey: 'teacher' });
    expect(opened.model).toEqual(model);
  });
});

describe("NumPy's archives in JAX's names", () => {
  it.each(['augreg.npz', 'big-vision.npz'])('%s loads, and tells its heads', async (file) => {
    const weights = await readWeights(path(file));
    expect(inferModel(weights)).toMatchObject({ model, areHeadsGuessed: false });
    expect(weights.notes.join()).toContain('JAX');
    expect(distance(await logitsIn(file), logits)).toBeLessThan(1e-5);
  });
});
