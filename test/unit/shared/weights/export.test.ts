/** @file What is exported comes back bit for bit, and other libraries compute the same with it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { convertWeights } from '../../../../cli/weights/convert.ts';
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

const folder = mkdtempSync(join(tmpdir(), 'tessera-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function parametersOf(path: string): Promise<Float32Array> {
  return fitWeights({ weights: await readWeights(path), model, head: 'keep', path }).parameters;
}

const f32 = fixtures.filter(({ dtype, container }) => dtype === 'f32' && container !== 'legacy');

describe.each(['timm', 'torchvision', 'huggingface'] as const)('written for %s', (to) => {
  it.each(f32)('$file comes back bit for bit', async ({ file }) => {
    const out = join(folder, `${to}-${file}${to === 'huggingface' ? '' : '.safetensors'}`);
    const { heads } = model;
    await convertWeights({ path: fixturePath(file), out, to, dtype: 'f32', heads });
    const again = await readWeights(out);
    expect(again.naming).toBe(to);
    expect(again.unknown).toEqual([]);
    expect(await parametersOf(out)).toEqual(await parametersOf(fixturePath(file)));
  });

  it.each(['f16', 'bf16'] as const)('%s comes back as what that type holds', async (dtype) => {
    const path = fixturePath(`timm.${dtype}.safetensors`);
    const out = join(folder, `${to}-${dtype}${to === 'huggingface' ? '' : '.safetensors'}`);
    await convertWeights({ path, out, to, dtype, heads: model.heads });
    expect(await parametersOf(out)).toEqual(await parametersOf(path));
  });
});

describe('written as ONNX', () => {
  it('gives the same logits in ONNX Runtime, of any number of images', async () => {
    const path = fixturePath('huggingface.f32');
    const out = join(folder, 'model.onnx');
    await convertWeights({ path, out, to: 'onnx', dtype: 'f32' });
    const session = await ort.InferenceSession.create(readFileSync(out), { logSeverityLevel: 3 });
    expect([session.inputNames, session.outputNames]).toEqual([['images'], ['logits']]);
    for (const batch of [1, 3]) {
      const images = fixtureImages(batch);
      const { channels, imageSize: side } = model;
      const feeds = { images: new ort.Tensor('float32', images, [batch, channels, side, side]) };
      const { logits } = await session.run(feeds);
      const expected = await logitsOf(model, await parametersOf(path), images);
      expect(distance(logits!.data as Float32Array, expected)).toBeLessThan(1e-6);
    }
    await session.release();
  });

  it('is refused in another type than f32', async () => {
    const options = { path: fixturePath('huggingface.f32'), out: join(folder, 'x.onnx') };
    await expect(convertWeights({ ...options, to: 'onnx', dtype: 'f16' })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});
