/** @file Checkpoints that go while they are read: whoever reads looks again before one is called damaged. */
import { renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Disk, machineDisk } from '../../../../../shared/files/disk.ts';
import { newestGoodCheckpoint } from '../../../../../shared/runs/checkpoint/choose.ts';
import { loadModelFile } from '../../../../../shared/runs/checkpoint/model-file.ts';
import { writeCheckpoint } from '../../../../../shared/runs/checkpoint/write.ts';
import {
  common,
  expected,
  newRunFolder,
  storeAt,
} from '../../../../support/checkpoint-fixtures.ts';

let runFolder: string;
beforeEach(() => {
  runFolder = newRunFolder();
});
const write = (version: number) =>
  writeCheckpoint({ ...common, runFolder, store: storeAt(version) });
const remove = (folder: string) => rmSync(folder, { recursive: true });

/** A disk on which `happen` is called before each listing, or before each read of a file. */
const diskWhere = (happen: {
  readonly listed?: () => Promise<void>;
  readonly read?: (path: string) => Promise<void>;
}): Disk => ({
  ...machineDisk,
  // What happens comes between the answer and its use.
  list: async (folder) => {
    const names = await machineDisk.list(folder);
    await happen.listed?.();
    return names;
  },
  read: async (path, bytesMax) => {
    await happen.read?.(path);
    return await machineDisk.read(path, bytesMax);
  },
});

describe('a model of a run that keeps one checkpoint', () => {
  it('is the next one, where the newest goes between its name and its file', async () => {
    let { folder } = await write(1);
    let version = 1;
    const disk = diskWhere({
      listed: async () => {
        if (version === 5) return;
        remove(folder);
        version += 1;
        ({ folder } = await write(version));
      },
    });
    expect((await loadModelFile(runFolder, disk)).metadata?.step).toBe(5);
  });

  it('is the next one, where it goes between two of its files', async () => {
    const { folder } = await write(1);
    const disk = diskWhere({
      read: async (path) => {
        if (path !== join(folder, 'model.safetensors')) return;
        await write(2);
        remove(folder);
      },
    });
    expect((await loadModelFile(runFolder, disk)).metadata?.step).toBe(2);
  });

  it('is looked for so often, and then that is said', async () => {
    let { folder } = await write(1);
    let version = 1;
    const disk = diskWhere({
      listed: async () => {
        remove(folder);
        version += 1;
        ({ folder } = await write(version));
      },
    });
    await expect(loadModelFile(runFolder, disk)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringMatching(/are deleted before they can be read: tried 20 times$/),
    });
    expect(version).toBe(21);
  });

  it('that is removed or renamed meanwhile is said to be so', async () => {
    await write(1);
    let isThere = true;
    const disk = diskWhere({
      listed: async () => {
        if (isThere) renameSync(runFolder, `${runFolder}-2`);
        isThere = false;
      },
    });
    await expect(loadModelFile(runFolder, disk)).rejects.toMatchObject({
      sentence: `the run in ${runFolder} is not there any more`,
    });
  });
});

it('a named checkpoint that has gone is not called damaged, and those that there are are named', async () => {
  const { folder } = await write(1);
  await write(2);
  const disk = diskWhere({ read: async () => rmSync(folder, { recursive: true, force: true }) });
  const gone = {
    code: 'DATA_INVALID',
    sentence: `there is no checkpoint ${folder} (any more)`,
    hint: expect.stringMatching(/are step-00000002$/),
  };
  await expect(loadModelFile(folder, disk)).rejects.toMatchObject(gone);
  await expect(loadModelFile(folder)).rejects.toMatchObject(gone);
});

it('a network disk that has lost a file for a moment is asked again', async () => {
  const { folder } = await write(1);
  let numLost = 0;
  const stale = diskWhere({
    read: async (path) => {
      if (!path.endsWith('model.safetensors') || numLost === 3) return;
      numLost += 1;
      throw Object.assign(new Error('ESTALE: stale file handle, open'), { code: 'ESTALE' });
    },
  });
  expect((await loadModelFile(runFolder, stale)).metadata?.step).toBe(1);
  truncateSync(join(folder, 'model.safetensors'), 50);
  await expect(loadModelFile(runFolder)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
});

it('a run that goes on takes what is there, and calls what has gone not damaged', async () => {
  await write(1);
  const { folder } = await write(2);
  const disk = diskWhere({ read: async () => rmSync(folder, { recursive: true, force: true }) });
  const { checkpoint, skipped } = await newestGoodCheckpoint(runFolder, expected, disk);
  expect([checkpoint?.step, skipped]).toEqual([1, []]);
});
