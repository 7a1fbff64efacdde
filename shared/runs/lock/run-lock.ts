/** @file The lock of a run's folder: of the coordinator that trains it, or of the process that removes it. */
import { join } from 'node:path';
import { isDiskFull } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';
import { removeFolderAtomically } from '../../files/files.ts';
import { RUN_FILES } from '../layout.ts';
import { type HeldLock, holderOf, type LockOptions, REMOVAL, takeLock } from './lock.ts';

/**
 * Takes the lock of a run.
 *
 * Throws  RUN_IN_USE, naming the holder; CANNOT_WRITE, also when the folder has gone.
 */
export async function lockRun(
  runFolder: string,
  options: LockOptions = {},
  disk: Disk = machineDisk,
): Promise<HeldLock> {
  return await takeLock(join(runFolder, RUN_FILES.lock), options).catch((thrown: unknown) => {
    const error = TesseraError.from(thrown, 'CANCELLED');
    if (error.code !== 'CANNOT_WRITE' || disk.exists(runFolder)) throw error;
    throw new TesseraError('CANNOT_WRITE', `${runFolder} is gone: it was removed or renamed`, {
      hint: 'tessera runs list shows the runs that there are',
      cause: error,
    });
  });
}

/**
 * Removes a run that no coordinator holds, and holds it meanwhile, so that none begins.
 *
 * Throws  RUN_IN_USE, naming the holder; CANNOT_WRITE.
 */
export async function removeRun(
  runFolder: string,
  options: LockOptions = {},
  disk: Disk = machineDisk,
): Promise<void> {
  const lock = await lockForRemoval(runFolder, options, disk);
  try {
    await removeFolderAtomically(runFolder, disk, async () => {
      await lock?.confirm();
      // The lock goes with its folder: a touch would make both again.
      await lock?.keepStill();
    });
  } finally {
    // Where the folder has stayed.
    await lock?.release();
  }
}

/** Undefined where the disk has no room for a lock: to make room is what runs are removed for. A look must do then. */
async function lockForRemoval(
  runFolder: string,
  options: LockOptions,
  disk: Disk,
): Promise<HeldLock | undefined> {
  try {
    return await lockRun(runFolder, { ...options, work: REMOVAL }, disk);
  } catch (error) {
    const path = join(runFolder, RUN_FILES.lock);
    if (isDiskFull(error) && (await holderOf(path, options)) === undefined) return undefined;
    throw error;
  }
}

/** Throws  RUN_IN_USE when a coordinator holds a run, or another process removes it; CANNOT_WRITE. */
export async function refuseHeld(runFolder: string, options: LockOptions = {}): Promise<void> {
  const lock = await lockForRemoval(runFolder, options, machineDisk);
  await lock?.release();
}
