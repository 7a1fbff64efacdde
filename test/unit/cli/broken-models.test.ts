/** @file A model that holds or answers NaN gives no answer: it is named, and the exit code says so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { runPredict } from '../../../cli/predict/predict.ts';
import { runSummary } from '../../../cli/summary/summary.ts';
import { inspectWeights } from '../../../cli/weights/inspect.ts';
import { encodePng } from '../../../shared/data/pixels/libvips.ts';
import { parameterTable } from '../../../shared/model/parameters.ts';
import { writeCheckpoint } from '../../../shared/runs/checkpoint/write.ts';
import { readModel } from '../../../tools/inference/read/read-model.ts';
import { common, metadata } from '../../support/checkpoint-fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-broken-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const table = parameterTable(metadata.model);

/** A checkpoint with these parameters. */
async function checkpointOf(parameters: Float32Array): Promise<string> {
  const runFolder = mkdtempSync(join(root, 'run-'));
  const store = { table, version: 1, parameters, state: {}, sha256: async () => 'a'.repeat(64) };
  return (await writeCheckpoint({ ...common, runFolder, store })).folder;
}

/** The one JSON document that a command prints, and what it throws. */
async function answered(command: () => Promise<void>) {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  const error = await command().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  vi.restoreAllMocks();
  return { document: JSON.parse(text), error };
}

it.each([Number.NaN, Number.POSITIVE_INFINITY])('one %d among its values', async (value) => {
  const parameters = new Float32Array(table.size).fill(0.1);
  const { name, offset } = table.entries[3]!;
  parameters[offset + 1] = value;
  const path = await checkpointOf(parameters);
  await expect(readModel(path)).rejects.toMatchObject({
    code: 'NON_FINITE',
    sentence: `${path}/model.safetensors is of a run that diverged: ${name} holds ${value}`,
  });
  const { document } = await answered(() => inspectWeights({ path, json: true }));
  expect(document.notFinite).toEqual({ [name]: 1 });
});

it('a sound one is summed up, by the folder of its run', async () => {
  const checkpoint = await checkpointOf(new Float32Array(table.size).fill(0.1));
  const model = resolve(checkpoint, '../..');
  const { document } = await answered(() => runSummary({ model, batch: 1, json: true }));
  expect(document).toMatchObject({ schema: 'summary/1', parameters: table.size });
});

it('a loss beyond all sense, which its run had seen', async () => {
  const runFolder = mkdtempSync(join(root, 'run-'));
  const parameters = new Float32Array(table.size).fill(0.1);
  const store = { table, version: 1, parameters, state: {}, sha256: async () => 'a'.repeat(64) };
  const evaluation = { version: 1, epoch: 1, loss: 5.8e7, accuracy: 0.5 };
  const progress = { evaluation, best: undefined, seconds: 1 };
  await writeCheckpoint({ ...common, progress, runFolder, store });
  expect((await readModel(runFolder)).notes).toEqual([
    {
      ...{ kind: 'warning', about: 'weights' },
      sentence: expect.stringMatching(/step 1: a loss of 5\.800e\+7 is of a model/),
    },
  ]);
});

it('values too large to compute with', async () => {
  const path = await checkpointOf(new Float32Array(table.size).fill(1e30));
  const image = join(root, 'image.png');
  const pixels = Uint8Array.from({ length: 192 }, (_, at) => at);
  writeFileSync(image, await encodePng(pixels, { height: 8, width: 8, channels: 3 }));
  const options = { images: [image], checkpoint: path, top: 1, json: true } as const;
  const { document, error } = await answered(() => runPredict(options));
  expect(document).toMatchObject({ predictions: [], unreadable: [], notFinite: [image] });
  expect(error).toMatchObject({
    code: 'NON_FINITE',
    sentence: expect.stringMatching(/for 1 image are not finite, so they have no class: .*png$/),
  });
});
