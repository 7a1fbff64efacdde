/** @file A disk that becomes read-only, as one with errors does: skipped where this user may mount none. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeFolderAtomically } from '../../../../shared/files/files.ts';
import { takeLock } from '../../../../shared/runs/lock/lock.ts';
import { createRunFolder } from '../../../../shared/runs/run-folder.ts';

const disk = mkdtempSync(join(tmpdir(), 'tessera-disk-'));
const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (isMounted) spawnSync('umount', [disk]);
  rmdirSync(disk);
});

it.skipIf(!isMounted)('is named as the cause, and hides no other end of a run', async () => {
  const lock = await takeLock(join(disk, 'lock'));
  expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0);
  await expect(createRunFolder('run', join(disk, 'run'))).rejects.toThrow(
    /file system is read-only/,
  );
  await expect(takeLock(join(disk, 'other'))).rejects.toThrow(
    /other: the file system is read-only/,
  );
  await expect(writeFolderAtomically(join(disk, 'step'), [])).rejects.toMatchObject({
    sentence: expect.stringContaining('the file system is read-only'),
    hint: 'choose a writable folder',
  });
  await lock.release();
});
