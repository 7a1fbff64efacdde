/** @file Weights that do not say how many attention heads they have are not run with a guess. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../../../cli/program.ts';
import { convertWeights } from '../../../../cli/weights/convert.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import { type ModelConfig, parseVariant } from '../../../../shared/model/variants.ts';
import { encodeModelMetadata } from '../../../../shared/runs/model-metadata.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { encodeSafetensors } from '../../../../shared/weights/formats/safetensors.ts';
import { bytesOf } from '../../../../shared/weights/formats/tensor-values.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';
import { smallConfig } from '../../../support/config.ts';
import {
  distance,
  fixtureImages,
  fixturePath,
  fixtures,
  logitsOf,
  model,
} from '../../../support/weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-heads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of zeros in timm's names, which are ours. */
function zeros(name: string, of: ModelConfig, metadata: Record<string, string> = {}): string {
  const path = join(folder, name);
  const tensors = parameterTable(of).entries.map(({ name, shape, size }) => ({
    ...{ name, shape, dtype: 'F32' as const },
    bytes: bytesOf(new Float32Array(size), 'F32'),
  }));
  writeFileSync(path, Buffer.concat(encodeSafetensors(tensors, metadata)));
  return path;
}

const bare = fixtures.filter(({ container, dtype }) => container !== 'folder' && dtype === 'f32');
const unknown = {
  code: 'CHECKPOINT_MISMATCH',
  hint: expect.stringContaining('--heads N'),
};

describe('bare weights of a size that nobody published', () => {
  it.each(bare)('$file is refused until --heads says how many', async ({ file, logits }) => {
    const path = fixturePath(file);
    await expect(readModel(path)).rejects.toMatchObject(unknown);
    const trained = await readModel(path, { heads: model.heads });
    const ours = await logitsOf(trained.model, trained.parameters, fixtureImages());
    expect(distance(ours, logits)).toBeLessThan(1e-5);
  });

  const path = fixturePath('timm.f32.safetensors');

  const image = join(folder, 'cat.png');
  writeFileSync(image, '');
  const out = join(folder, 'out');
  it.each([
    ['eval', [path]],
    ['predict', [image, '--checkpoint', path]],
    ['summary', [path]],
    ['plot attention-distance', [path, '--images', image, '--out', `${out}.png`]],
    ['plot rollout', [image, '--checkpoint', path, '--out', `${out}.png`]],
    ['weights convert', [path, out, '--to', 'huggingface']],
    ['weights convert', [path, out, '--to', 'onnx']],
  ])('are refused by %s, which takes --heads', async (command, words) => {
    const typed = [...command.split(' '), ...words];
    const run = (...more: string[]) =>
      createProgram().parseAsync([...typed, ...more], { from: 'user' });
    await expect(run()).rejects.toMatchObject(unknown);
    await expect(run('--heads', '3')).rejects.toThrow(
      '3 attention heads do not divide a width of 16',
    );
  });

  it.each(['timm', 'torchvision'] as const)(
    'are written for %s, which needs no heads',
    async (to) => {
      const out = join(folder, `${to}.safetensors`);
      await convertWeights({ path, out, to, dtype: 'f32' });
      expect((await readWeights(out)).naming).toBe(to);
    },
  );
});

describe('a model that says how many heads it has', () => {
  it('is not opened with others (Hugging Face folder)', async () => {
    const path = fixturePath('huggingface.f32');
    expect((await readModel(path, { heads: 2 })).model).toEqual(model);
    await expect(readModel(path, { heads: 4 })).rejects.toThrow('has 2 attention heads, not 4');
  });

  it('is not opened with others (our own)', async () => {
    const described = { model, classes: ['a', 'b', 'c'], config: smallConfig({}) };
    const path = zeros('own.safetensors', model, encodeModelMetadata(described, 1));
    expect((await readModel(path)).model.heads).toBe(2);
    await expect(readModel(path, { heads: 4 })).rejects.toThrow('has 2 attention heads, not 4');
  });
});

it.each(['own', 'huggingface'])('names of classes that are given count (%s)', async (whose) => {
  const config = smallConfig({});
  const described = { model, classes: ['a', 'b', 'c'], config };
  const path =
    whose === 'own'
      ? zeros('named.safetensors', model, encodeModelMetadata(described, 1))
      : fixturePath('huggingface.f32');
  const classesFile = join(folder, `${whose}.txt`);
  writeFileSync(classesFile, 'x\ny\nz\n');
  expect((await readModel(path, { classes: classesFile })).classes).toEqual(['x', 'y', 'z']);
  writeFileSync(classesFile, 'x\ny\n');
  await expect(readModel(path, { classes: classesFile })).rejects.toThrow(
    'names 2 classes, the model has 3',
  );
});

it('a published size needs no --heads', async () => {
  const input = { imageSize: 16, channels: 3, numClasses: 2 };
  const path = zeros('ti.safetensors', { ...parseVariant('Ti/16'), ...input });
  expect((await readModel(path)).model.heads).toBe(3);
});

it('a run that has saved nothing yet is not taken for weights of another library', async () => {
  const run = join(folder, 'run');
  mkdirSync(run);
  for (const file of ['config.json', 'metrics.jsonl']) writeFileSync(join(run, file), '{}');
  await expect(readModel(run)).rejects.toMatchObject({
    code: 'DATA_INVALID',
    sentence: `the run in ${run} has saved no checkpoint yet`,
  });
});
