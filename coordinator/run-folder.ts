/** @file The folder of a run: config, address, metrics; a complete record of what happened. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../shared/core/errors.ts';
import { type Disk, machineDisk } from '../shared/host/disk.ts';
import { reasonOf } from '../shared/host/errno.ts';
import { readWholeFile, writeFileAtomically } from '../shared/host/files.ts';

/** Where run folders are made by default, under the current folder. */
export const RUNS_FOLDER = 'runs';

/** Names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  /** Which run this is and which data set it has. */
  identity: 'identity.json',
  /** Address of the coordinator while it runs. */
  address: 'address',
  metrics: 'metrics.jsonl',
  /** Held by the coordinator while it runs. */
  lock: 'coordinator.lock',
} as const;

/**
 * Makes the folder of a new run: runs/NAME-TIME, or the one that is asked for.
 *
 * Throws  CANNOT_WRITE when it cannot be made or already holds a run.
 */
export async function createRunFolder(name: string, wanted: string | undefined): Promise<string> {
  const folder = wanted ?? join(RUNS_FOLDER, `${name}-${timestamp(new Date())}`);
  try {
    await machineDisk.makeFolder(folder);
    const existing = await readdir(folder);
    if (existing.includes(RUN_FILES.config)) {
      throw new TesseraError('CANNOT_WRITE', `${folder} already holds a run`, {
        hint: 'continue it with --resume, or choose another --run-folder',
      });
    }
  } catch (error) {
    if (error instanceof TesseraError) throw error;
    throw new TesseraError(
      'CANNOT_WRITE',
      `cannot make the run folder ${folder}: ${reasonOf(error)}`,
      {
        hint: 'choose a folder that can be written with --run-folder',
        cause: error,
      },
    );
  }
  return folder;
}

function timestamp(date: Date): string {
  const digits = date.toISOString().replace(/[-:]/g, '').replace('T', '-');
  return digits.slice(0, 15);
}

/** Whether a run's metrics tell of a checkpoint that was written. */
export async function hasSaved(runFolder: string, disk: Disk = machineDisk): Promise<boolean> {
  const path = join(runFolder, RUN_FILES.metrics);
  if (!disk.exists(path)) return false;
  const { buffer } = await readWholeFile(path, { disk });
  return Buffer.from(buffer).includes('"type":"checkpoint"');
}

/** What a run folder says of its run. */
export interface RunDescription {
  readonly runFolder: string;
  readonly configJson: string;
  /** Text of its identity.json. */
  readonly beginning: string;
  readonly address: string;
}

/** Writes the config of a run, as it was resolved, what it began with, and the coordinator's address. Throws  CANNOT_WRITE. */
export async function describeRun({
  runFolder,
  configJson,
  beginning,
  address,
}: RunDescription): Promise<void> {
  const pretty = `${JSON.stringify(JSON.parse(configJson), null, 2)}\n`;
  await writeFileAtomically(join(runFolder, RUN_FILES.identity), [Buffer.from(beginning)]);
  await writeFileAtomically(join(runFolder, RUN_FILES.config), [Buffer.from(pretty)]);
  await writeFileAtomically(join(runFolder, RUN_FILES.address), [Buffer.from(`${address}\n`)]);
}
