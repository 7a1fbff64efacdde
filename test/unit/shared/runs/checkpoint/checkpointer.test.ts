/** @file When checkpoints are written, and which of them stay. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { RunProgress } from '../../../../../coordinator/step/progress.ts';
import { type Disk, machineDisk } from '../../../../../shared/files/disk.ts';
import { Checkpointer } from '../../../../../shared/runs/checkpoint/checkpointer.ts';
import { newestGoodCheckpoint } from '../../../../../shared/runs/checkpoint/choose.ts';
import { listCheckpoints } from '../../../../../shared/runs/checkpoint/layout.ts';
import {
  common,
  expected,
  newRunFolder,
  storeAt,
} from '../../../../support/checkpoint-fixtures.ts';

const keep = 1;
let runFolder: string;
let progress: RunProgress;
beforeEach(() => {
  runFolder = newRunFolder();
  progress = new RunProgress(common.clock.nowMs(), undefined);
});

const listed = async () => (await listCheckpoints(runFolder)).map(({ step }) => step);

describe('Checkpointer', () => {
  it('keeps the newest and the best', async () => {
    const checkpointer = new Checkpointer({ ...common, runFolder, keep, progress });
    expect(checkpointer.last).toBeUndefined();
    for (const version of [10, 20, 30, 40]) {
      const accuracy = version === 20 ? 9 : 5;
      progress.evaluated({
        ...{ kind: 'test', version, newest: version, epoch: 0, isBest: version <= 20 },
        totals: { samples: 10, lossSum: 1, correct: accuracy },
      });
      await checkpointer.save(storeAt(version));
    }
    expect(await listed()).toEqual([40, 20]);
    expect(checkpointer.last).toMatchObject({
      step: 40,
      parametersSha256: await storeAt(40).sha256(),
    });
  });

  it('saves only what no checkpoint has when asked for that', async () => {
    const checkpointer = new Checkpointer({ ...common, runFolder, keep, progress });
    await checkpointer.saveIfNewer(storeAt(0));
    expect(await listed()).toEqual([]);
    await checkpointer.saveIfNewer(storeAt(3));
    const { last } = checkpointer;
    await checkpointer.saveIfNewer(storeAt(3));
    expect(checkpointer.last).toBe(last);
    expect(await listed()).toEqual([3]);
  });

  it('goes on after a resume, past a newer checkpoint that is damaged', async () => {
    const before = new Checkpointer({ ...common, runFolder, keep: 2, progress });
    await before.save(storeAt(10));
    const { folder } = await before.save(storeAt(20));
    writeFileSync(join(folder, 'state.json'), 'damaged');
    const { checkpoint } = await newestGoodCheckpoint(runFolder, expected);
    const after = new Checkpointer({ ...common, runFolder, keep, progress, lastSaved: checkpoint });
    expect(after.last).toEqual(expect.objectContaining({ step: 10 }));
    expect(after.last).not.toHaveProperty('parameters');
    await after.save(storeAt(15));
    expect(await listed()).toEqual([20, 15]);
    await after.save(storeAt(20));
    expect(await listed()).toEqual([20]);
    expect((await newestGoodCheckpoint(runFolder, expected)).checkpoint?.step).toBe(20);
  });

  describe('on a disk that has no room for one more', () => {
    /** Room for two checkpoints, of whatever size. */
    const small: Disk = {
      ...machineDisk,
      create: async (path) => {
        const names = readdirSync(join(runFolder, 'checkpoints'));
        const isFull = names.filter((name) => name.startsWith('step-')).length >= 2;
        if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        return await machineDisk.create(path);
      },
    };

    it.each([2, 3])('the oldest goes before the new one comes: of %i to keep', async (keep) => {
      const parts = { ...common, runFolder, keep, progress, disk: small };
      const checkpointer = new Checkpointer(parts);
      for (const version of [10, 20]) await checkpointer.save(storeAt(version));
      const saved = await checkpointer.save(storeAt(30));
      expect(saved.givenUp).toMatch(/step-00000010$/);
      expect(await listed()).toEqual([30, 20]);
      expect((await newestGoodCheckpoint(runFolder, expected)).checkpoint?.step).toBe(30);
    });

    it('the best one stays, and so does the newest, whatever is missed by that', async () => {
      progress.evaluated({
        ...{ kind: 'test', version: 10, newest: 10, epoch: 0, isBest: true },
        totals: { samples: 10, lossSum: 1, correct: 9 },
      });
      const checkpointer = new Checkpointer({ ...common, runFolder, keep, progress, disk: small });
      for (const version of [10, 20]) await checkpointer.save(storeAt(version));
      await expect(checkpointer.save(storeAt(30))).rejects.toThrow(/the disk is full/);
      expect(await listed()).toEqual([20, 10]);
      expect(checkpointer.last?.step).toBe(20);
    });
  });

  it('remembers the last good one when a save fails', async () => {
    writeFileSync(join(runFolder, 'checkpoints'), '');
    const checkpointer = new Checkpointer({ ...common, runFolder, keep, progress });
    await expect(checkpointer.save(storeAt(1))).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(checkpointer.last).toBeUndefined();
  });
});
