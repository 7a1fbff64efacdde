/** @file A run that goes on needs nothing but its folder: config, workers and address are found there. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resumeFolder, runOrigin } from '../../../cli/run/resume.ts';
import { AUTO, placeOfRun } from '../../../launch/begin/run-place.ts';
import { knownAddress } from '../../../launch/train.ts';
import { loadConfig } from '../../../shared/config/load.ts';
import { workersSettings } from '../../../shared/config/settings.ts';
import { newestRunFolder } from '../../../shared/runs/reader/find.ts';

const runs = mkdtempSync(join(tmpdir(), 'tessera-resume-'));

function aRun(name: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(runs, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

const config = JSON.stringify({
  name: 'mine',
  data: { source: 'mnist', channels: 1 },
  model: { imageSize: 28, patchSize: 7, width: 32, depth: 1, heads: 2 },
  training: { epochs: 1, batchSize: 8, microBatch: 4, optimizer: { learningRate: 1e-3 } },
  cluster: { workers: 3, listen: '10.0.0.1:0' },
});

describe('--resume auto', () => {
  const auto = (runFolder: string | undefined, config: string | undefined = 'quickstart') =>
    runOrigin({ config, resume: 'auto', runFolder });
  const saved = '{"type":"checkpoint","time":"2026-01-01T00:00:00.000Z"}\n';

  it('begins a run where there is none, or only what one left that had saved nothing', async () => {
    const begins = { config: 'quickstart', resume: undefined, isKept: false };
    expect(await auto(join(runs, 'not-there'))).toEqual(begins);
    expect(await auto(aRun('nothing'))).toEqual(begins);
    expect(await auto(aRun('strange', { 'notes.txt': '', 'coordinator.lock': '' }))).toEqual(
      begins,
    );
    const left = aRun('left', {
      'config.json': config,
      'identity.json': '{}',
      'metrics.jsonl': '',
    });
    expect(await auto(left)).toEqual({ ...begins, resume: left });
    expect(await placeOfRun({ resume: AUTO, runFolder: left })).toEqual({
      ...{ resume: left, runFolder: undefined, isKept: false },
    });
  });

  it('continues a run that has saved something, whatever of its folder is lost', async () => {
    const folder = aRun('kept', { 'config.json': config, 'metrics.jsonl': saved });
    const kept = { resume: folder, isKept: true };
    expect(await auto(folder)).toEqual({ config: 'quickstart', ...kept });
    const own = await runOrigin({ resume: 'auto', runFolder: folder });
    expect(own).toEqual({ config: join(folder, 'config.json'), ...kept });
    const bare = aRun('bare');
    mkdirSync(join(bare, 'checkpoints', 'step-00000005'), { recursive: true });
    expect(await auto(bare)).toMatchObject({ resume: bare, isKept: true });
  });

  it('of a folder of images is the run of that folder, as it was planned then, and no other', async () => {
    const images = aRun('images');
    const other = aRun('other images');
    const text = JSON.stringify({ data: { source: 'folder', path: images } });
    const folder = aRun('of images', { 'config.json': text, 'metrics.jsonl': saved });
    expect(await auto(folder, images)).toEqual({
      ...{ config: join(folder, 'config.json'), resume: folder, isKept: true },
    });
    await expect(auto(folder, other)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
  });

  it('needs the folder, and a config to begin with', async () => {
    const usage = (words: RegExp) => ({ code: 'USAGE', sentence: expect.stringMatching(words) });
    await expect(auto(undefined)).rejects.toMatchObject(usage(/needs the folder/));
    const bare = runOrigin({ resume: 'auto', runFolder: aRun('no config') });
    await expect(bare).rejects.toMatchObject(usage(/no config to begin one/));
    const more = runOrigin({ resume: 'auto', runFolder: 'x', moreEpochs: 2 });
    await expect(more).rejects.toMatchObject(usage(/--more-epochs/));
  });
});

describe('--resume RUN', () => {
  it('takes the config that the run keeps, settings of the command line over it', async () => {
    const folder = aRun('with a space', { 'config.json': config });
    const flags = { resume: folder };
    const origin = await runOrigin(flags);
    expect(origin).toEqual({ config: join(folder, 'config.json'), resume: folder, isKept: true });
    const loaded = await loadConfig(origin.config, { set: workersSettings({ min: 2, max: 8 }) });
    expect(loaded.config).toMatchObject({
      name: 'mine',
      cluster: { workers: 'auto', minWorkers: 2, listen: '10.0.0.1:0' },
      limits: { workersMax: 8 },
    });
    expect(await resumeFolder(flags, origin, loaded)).toBe(folder);
  });

  it('beside a config takes that, and a run of its name where no folder is given', async () => {
    const folder = aRun('given', { 'config.json': config });
    const origin = await runOrigin({ config: 'quickstart', resume: folder });
    expect(origin).toEqual({ config: 'quickstart', resume: folder, isKept: true });
    expect(await runOrigin({ config: 'quickstart', resume: true })).toMatchObject({
      resume: undefined,
    });
  });

  it('is refused without a run, beside a new folder, and where nothing is named', async () => {
    const usage = (words: RegExp) => ({ code: 'USAGE', sentence: expect.stringMatching(words) });
    await expect(runOrigin({ resume: aRun('empty') })).rejects.toMatchObject(usage(/holds no run/));
    await expect(runOrigin({ resume: true, runFolder: 'x' })).rejects.toMatchObject(
      usage(/stays in its folder/),
    );
    await expect(runOrigin({})).rejects.toMatchObject(usage(/no config to train and no run/));
  });

  it('without a folder is of the newest run that began, whatever its name', async () => {
    const folder = join(runs, 'many');
    const names = ['b-20260101-100000', 'a-20260102-100000', 'a-b-20260103-100000'];
    for (const name of names) aRun(join('many', name), { 'config.json': config });
    aRun(join('many', 'a-20270101-100000'));
    expect(await newestRunFolder(undefined, { runsFolder: folder })).toBe(
      join(folder, names[2] as string),
    );
    expect(await newestRunFolder('a', { runsFolder: folder })).toBe(
      join(folder, names[1] as string),
    );
    await expect(newestRunFolder('c', { runsFolder: folder })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('listens where its workers look for it, unless the port is settled', async () => {
    const folder = aRun('called', { 'config.json': config, address: '10.0.0.1:41234\n' });
    const loaded = await loadConfig(join(folder, 'config.json'));
    const settled = await loadConfig(join(folder, 'config.json'), {
      set: ['cluster.listen="127.0.0.1:5000"'],
    });
    expect(await knownAddress(folder, loaded)).toBe('10.0.0.1:41234');
    const everywhere = await loadConfig(join(folder, 'config.json'), {
      set: ['cluster.listen="0.0.0.0:0"'],
    });
    expect(await knownAddress(folder, everywhere)).toBe('0.0.0.0:41234');
    expect(await knownAddress(folder, settled)).toBeUndefined();
    expect(await knownAddress(undefined, loaded)).toBeUndefined();
    const other = aRun('never', { 'config.json': config, address: 'nonsense' });
    expect(await knownAddress(other, loaded)).toBeUndefined();
  });
});
