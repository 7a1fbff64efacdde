/**
 * @file Chooses the checkpoint of a run: to resume the newest good one, otherwise the best, or the newest.
 *
 * A checkpoint may be deleted while it is read, since a live run keeps only a few; then the choice is made again.
 */
import { basename, dirname } from 'node:path';
import { isPlausible } from '../../core/divergence.ts';
import { errnoOf } from '../../core/errno.ts';
import { type ErrorCode, TesseraError } from '../../core/errors.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';
import { sweepFolder } from '../../files/files.ts';
import { checkpointsFolder, listCheckpoints } from './layout.ts';
import { type ExpectedRun, type LoadedCheckpoint, readCheckpoint } from './read.ts';
import { readState } from './state.ts';

/** Looks at a run whose checkpoints go while they are read. */
const LOOKS_MAX = 20;
/** Checks a checkpoint that seems damaged again: it may have been replaced between reading two of its files. */
const LOOKS_AT_DAMAGE = 2;

/** A checkpoint that cannot be resumed from. */
export interface SkippedCheckpoint {
  readonly folder: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** The newest one that can be resumed from, if there is one, and the newer ones. */
export interface FoundCheckpoint {
  readonly checkpoint: LoadedCheckpoint | undefined;
  readonly skipped: readonly SkippedCheckpoint[];
}

/** An older checkpoint may be good where the newest is so. */
const PASSED_OVER: ReadonlySet<ErrorCode> = new Set(['CHECKPOINT_CORRUPT', 'NON_FINITE']);

/**
 * The newest checkpoint that can be resumed from, and the newer ones that are damaged or not finite.
 *
 * Throws  CHECKPOINT_MISMATCH when the newest readable one is another run's: an older would be too.
 */
export async function newestGoodCheckpoint(
  runFolder: string,
  expected: ExpectedRun,
  disk: Disk = machineDisk,
): Promise<FoundCheckpoint> {
  // A folder that cannot be repaired, for example on a read-only disk, can still be read.
  await sweepFolder(checkpointsFolder(runFolder), disk).catch(() => undefined);
  const skipped: SkippedCheckpoint[] = [];
  const read = (folder: string) => readCheckpoint(folder, expected, disk);
  for (const { folder } of await listCheckpoints(runFolder, disk)) {
    try {
      // What seems damaged is looked at again: a network disk may not have had all of it.
      const checkpoint = await read(folder).catch((error: unknown) => {
        if (TesseraError.from(error).code === 'CHECKPOINT_CORRUPT') return read(folder);
        throw error;
      });
      return { checkpoint, skipped };
    } catch (error) {
      // A removed checkpoint is not damaged; older ones are as good.
      if (!disk.exists(folder)) continue;
      if (!(error instanceof TesseraError) || !PASSED_OVER.has(error.code)) throw error;
      skipped.push({ folder, reason: error.sentence, code: error.code });
    }
  }
  return { checkpoint: undefined, skipped };
}

/**
 * Reads with `read` the best checkpoint of a run, else the newest.
 *
 * Throws  DATA_INVALID when there is none, or none stays for long enough; CHECKPOINT_CORRUPT; what `read` throws.
 */
export async function readBestCheckpoint<T>(
  runFolder: string,
  disk: Disk,
  read: (folder: string) => Promise<T>,
): Promise<T> {
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    const found = await listCheckpoints(runFolder, disk);
    const [newest] = found;
    if (newest === undefined) throw noCheckpoint(runFolder, disk);
    const best = await whileThere(disk, newest.folder, () => bestOf(found, newest, disk));
    if (best === GONE) continue;
    const result = await whileThere(disk, best, () => read(best));
    if (result !== GONE) return result;
  }
  throw deletedTooFast(runFolder);
}

/**
 * Reads with `read` a checkpoint that was named.
 *
 * Throws  DATA_INVALID, naming those that there are, when it has gone; what `read` throws.
 */
export async function readNamedCheckpoint<T>(
  folder: string,
  disk: Disk,
  read: (folder: string) => Promise<T>,
): Promise<T> {
  const result = await whileThere(disk, folder, () => read(folder));
  if (result === GONE) throw await goneCheckpoint(folder, disk);
  return result;
}

/** The checkpoint went while it was read. */
const GONE = Symbol('gone');

/** Reads a part of a checkpoint, and again before it counts as damaged; returns GONE if it no longer exists. */
async function whileThere<T>(
  disk: Disk,
  folder: string,
  read: () => Promise<T>,
): Promise<T | typeof GONE> {
  for (let look = 1; ; look += 1) {
    try {
      return await read();
    } catch (thrown) {
      if (!disk.exists(folder)) return GONE;
      if (look >= (isPassing(thrown) ? LOOKS_MAX : LOOKS_AT_DAMAGE)) throw thrown;
    }
  }
}

/** The best one, as the newest knows it; the newest where that is not there, or is none. */
async function bestOf(
  found: readonly { readonly step: number; readonly folder: string }[],
  newest: { readonly folder: string },
  disk: Disk,
): Promise<string> {
  const { best } = (await readState(newest.folder, disk)).state.progress;
  const step = best !== undefined && isPlausible(best) ? best.version : undefined;
  return (found.find((one) => one.step === step) ?? newest).folder;
}

/** The error for a checkpoint of a run that is not there (any more): which there are. */
export async function goneCheckpoint(folder: string, disk: Disk): Promise<TesseraError> {
  const parent = dirname(folder);
  const there = await listCheckpoints(dirname(parent), disk).catch(() => []);
  const names = there.map(({ folder: at }) => basename(at));
  const hint =
    names.length === 0
      ? 'tessera runs list shows the runs that there are'
      : `a run keeps the newest checkpoints (checkpoint.keep) and the best; in ${parent} are ${names.slice(0, 5).join(', ')}`;
  return new TesseraError('DATA_INVALID', `there is no checkpoint ${folder} (any more)`, { hint });
}

/** Whether another look may find what this one did not: a file that was just replaced, a network disk that has lost a name. */
function isPassing(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (['ENOENT', 'ESTALE'].includes(errnoOf(cause))) return true;
  }
  return false;
}

function noCheckpoint(runFolder: string, disk: Disk): TesseraError {
  if (!disk.exists(runFolder)) {
    return new TesseraError('DATA_INVALID', `the run in ${runFolder} is not there any more`, {
      hint: 'it was removed or renamed: tessera runs list shows the runs that there are',
    });
  }
  return new TesseraError('DATA_INVALID', `run ${runFolder} has no checkpoint yet`, {
    hint: 'give a run folder, a checkpoint folder or a .safetensors file',
  });
}

function deletedTooFast(runFolder: string): TesseraError {
  return new TesseraError(
    'DATA_INVALID',
    `the checkpoints in ${checkpointsFolder(runFolder)} are deleted before they can be read: tried ${LOOKS_MAX} times`,
    {
      hint: 'its run saves very often: raise checkpoint.keep there, or wait for the end of the run',
    },
  );
}
