/**
 * @file Where the checkpoints of a run lie: one folder each, there whole or not at all.
 *
 * RUN/checkpoints/step-00000400/ holds `model.safetensors` (the model to use, by its timm names, readable by any
 * tool), `optimizer.safetensors` (the moments) and `state.json` (all else, and the checksums). Where the moving
 * average of the weights is the model to use, the weights themselves lie beside the moments. What has more than 4 GB is
 * several files and an index: `model-00001-of-00002.safetensors`, `model.safetensors.index.json`.
 */
import { join } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';

/** Names of the files of a checkpoint folder. */
export const CHECKPOINT_FILES = {
  model: 'model.safetensors',
  optimizer: 'optimizer.safetensors',
  state: 'state.json',
} as const;

/** Name of the weights among the moments, where the model to use is their moving average. */
export const WEIGHTS = 'weights';

/** A checkpoint on disk. Units  seconds that writing it took. */
export interface SavedCheckpoint {
  readonly step: number;
  readonly folder: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly parametersSha256: string;
  /** Folder of an older checkpoint that was deleted, since the disk had no room for both. */
  readonly givenUp?: string;
}

/** Where a run keeps its checkpoints. */
export function checkpointsFolder(runFolder: string): string {
  return join(runFolder, 'checkpoints');
}

/** The folder of the checkpoint of a step. */
export function checkpointFolder(runFolder: string, step: number): string {
  return join(checkpointsFolder(runFolder), `step-${String(step).padStart(8, '0')}`);
}

/** The checkpoints of a run, the newest first; none of a folder that holds none. */
export async function listCheckpoints(
  runFolder: string,
  disk: Disk = machineDisk,
): Promise<{ step: number; folder: string }[]> {
  const parent = checkpointsFolder(runFolder);
  if (!disk.exists(parent)) return [];
  const names = await disk.list(parent).catch((error: unknown): string[] => {
    // It has gone since.
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^step-\d{8,}$/.test(name))
    .map((name) => ({ step: Number(name.slice('step-'.length)), folder: join(parent, name) }))
    .sort((one, other) => other.step - one.step);
}
