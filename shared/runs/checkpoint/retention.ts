/** @file Which checkpoints of a run stay: the newest, and the best. */
import type { Disk } from '../../files/disk.ts';
import { removeFolderAtomically } from '../../files/files.ts';
import { listCheckpoints } from './layout.ts';

/**
 * Removes all but the last `keep` checkpoints and the best one. Those beyond `newestStep` stay: a
 * resumed run skipped them as damaged, and will write them again.
 *
 * Throws  CANNOT_WRITE.
 */
export async function pruneCheckpoints(
  runFolder: string,
  options: {
    readonly keep: number;
    readonly bestStep: number | undefined;
    readonly newestStep?: number;
    readonly disk?: Disk | undefined;
  },
): Promise<void> {
  const { keep, bestStep, newestStep = Number.POSITIVE_INFINITY, disk } = options;
  const reached = (await listCheckpoints(runFolder, disk)).filter(({ step }) => step <= newestStep);
  for (const { step, folder } of reached.slice(keep)) {
    if (step !== bestStep) await removeFolderAtomically(folder, disk);
  }
}

/**
 * Removes the oldest checkpoint before `newestStep` that is not the best one, and returns its folder; undefined
 * when there is none.
 *
 * Throws  CANNOT_WRITE.
 */
export async function deleteOldest(
  runFolder: string,
  options: {
    readonly bestStep: number | undefined;
    readonly newestStep: number;
    readonly disk?: Disk | undefined;
  },
): Promise<string | undefined> {
  const { bestStep, newestStep, disk } = options;
  const oldest = (await listCheckpoints(runFolder, disk)).findLast(
    ({ step }) => step < newestStep && step !== bestStep,
  );
  if (oldest !== undefined) await removeFolderAtomically(oldest.folder, disk);
  return oldest?.folder;
}
