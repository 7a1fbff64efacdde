/** @file A trained model is found by its run, its checkpoint or its file. */
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadModelFile } from '../../../../../shared/runs/checkpoint/model-file.ts';
import { writeCheckpoint } from '../../../../../shared/runs/checkpoint/write.ts';
import { encodeSafetensors } from '../../../../../shared/weights/formats/safetensors.ts';
import {
  common,
  metadata,
  newRunFolder,
  storeAt,
} from '../../../../support/checkpoint-fixtures.ts';

const SHARED =
  process.env['TESSERA_SHARED'] ?? resolve(import.meta.dirname, '../../../../../../shared');
const WEIGHTS = join(SHARED, 'weights/vit_tiny_patch16_224.f32.safetensors');
const weightsAreThere = existsSync(WEIGHTS);
if (!weightsAreThere) process.stderr.write(`skipped: real weights, there is no ${WEIGHTS}\n`);

let runFolder: string;
beforeEach(() => {
  runFolder = newRunFolder();
});
const write = (version: number) =>
  writeCheckpoint({ ...common, runFolder, store: storeAt(version) });

describe('loadModelFile', () => {
  it('takes the best checkpoint of a run', async () => {
    const best = await write(200);
    await write(400);
    const { metadata: read, parametersByName, modelPath } = await loadModelFile(runFolder);
    expect(modelPath).toBe(join(best.folder, 'model.safetensors'));
    expect(read).toEqual({ ...metadata, step: 200 });
    expect(parametersByName.get('head.weight')).toEqual({
      shape: [2, 3],
      values: storeAt(200).parameters.subarray(3, 9),
    });
  });

  it('takes the newest checkpoint where the best is gone', async () => {
    await write(300);
    await write(400);
    expect((await loadModelFile(runFolder)).metadata?.step).toBe(400);
  });

  it('reads a checkpoint folder and its file alike', async () => {
    const { folder } = await write(5);
    const { evaluation: _, ...byFolder } = await loadModelFile(folder);
    expect(byFolder).toEqual(await loadModelFile(join(folder, 'model.safetensors')));
  });

  it('refuses a damaged checkpoint', async () => {
    const { folder } = await write(5);
    truncateSync(join(folder, 'model.safetensors'), 50);
    const refused = { code: 'CHECKPOINT_CORRUPT', message: expect.stringContaining(folder) };
    await expect(loadModelFile(folder)).rejects.toMatchObject(refused);
    await expect(loadModelFile(runFolder)).rejects.toMatchObject(refused);
  });

  it.each([
    ['nothing', 'gone', /there is no model at .*gone/],
    ['an empty folder', 'empty', /there is no model at .*empty/],
    ['a run that saved nothing', 'young', /young has no checkpoint yet/],
    ['a text file', 'notes.txt', /cannot load .*notes\.txt: the safetensors file/],
    ['a bad description', 'bad.safetensors', /bad\.safetensors describes its model badly/],
  ])('refuses %s in clear words', async (_, name, sentence) => {
    mkdirSync(join(runFolder, 'empty'));
    mkdirSync(join(runFolder, 'young/checkpoints'), { recursive: true });
    writeFileSync(join(runFolder, 'notes.txt'), 'a longer note than eight bytes');
    const bad = Buffer.concat(encodeSafetensors([], { tessera: '{"schema":"model/9"}' }));
    writeFileSync(join(runFolder, 'bad.safetensors'), bad);
    await expect(loadModelFile(join(runFolder, name))).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringMatching(sentence),
      hint: expect.any(String),
    });
  });

  it.skipIf(!weightsAreThere)('reads weights that Tessera did not write', async () => {
    const { metadata: none, parametersByName } = await loadModelFile(WEIGHTS);
    expect(none).toBeUndefined();
    expect(parametersByName.get('head.weight')?.shape).toEqual([1000, 192]);
  });
});
