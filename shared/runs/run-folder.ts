/** @file Makes the folder of a run, takes it back, and writes what the folder says of its run. */
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';
import { machineDisk } from '../files/disk.ts';
import { writeFileAtomically } from '../files/files.ts';
import { whyNot } from '../files/why-not.ts';
import { RUN_FILES, RUNS_FOLDER } from './layout.ts';
import { hasSaved } from './metrics-file.ts';

/** A run folder that was made, and how to take that back. */
export interface NewRunFolder {
  readonly folder: string;
  /** Removes what this start has made, unless something was saved; what was there before stays. */
  undo(): Promise<void>;
}

/**
 * Makes the folder of a new run: runs/NAME-TIME, or the one that is asked for. Runs that begin in one second have
 * folders of their own: the later ones are called NAME-TIME-2 and so on.
 *
 * Throws  CANNOT_WRITE when it cannot be made or already holds a run.
 */
export async function createRunFolder(
  name: string,
  wanted: string | undefined,
  { now = new Date(), runsFolder = RUNS_FOLDER }: { now?: Date; runsFolder?: string } = {},
): Promise<NewRunFolder> {
  const byDefault = join(runsFolder, `${name}-${timestamp(now)}`);
  try {
    return wanted === undefined ? await makeNext(byDefault) : await makeWanted(wanted);
  } catch (error) {
    if (error instanceof TesseraError) throw error;
    throw new TesseraError(
      'CANNOT_WRITE',
      `cannot make the run folder ${wanted ?? byDefault}: ${whyNot(wanted ?? byDefault, error)}`,
      {
        hint: 'choose a folder that can be written with --run-folder',
        cause: error,
      },
    );
  }
}

/** Makes a folder that was not there. */
async function makeNext(base: string): Promise<NewRunFolder> {
  const topmost = await machineDisk.makeFolder(dirname(base));
  for (let number = 1; ; number += 1) {
    const folder = number === 1 ? base : `${base}-${number}`;
    try {
      // Of all who try, one makes it.
      await mkdir(folder);
      return { folder, undo: () => takeBack(folder, topmost ?? folder) };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Makes the folder of a flag; one that is there may hold anything but a run. */
async function makeWanted(folder: string): Promise<NewRunFolder> {
  const topmost = await machineDisk.makeFolder(folder);
  const existing = await readdir(folder);
  if (existing.includes(RUN_FILES.config)) {
    throw new TesseraError('CANNOT_WRITE', `${folder} already holds a run`, {
      hint: 'continue it with --resume, or choose another --run-folder',
    });
  }
  const undo = async () => (topmost === undefined ? undefined : await takeBack(folder, topmost));
  return { folder, undo };
}

/** Removes our own files from a new folder, then the empty folders up to the topmost that was made. */
async function takeBack(folder: string, topmost: string): Promise<void> {
  try {
    if (await hasSaved(folder)) return;
    for (const file of Object.values(RUN_FILES)) await rm(join(folder, file), { force: true });
    for (let one = resolve(folder); ; one = dirname(one)) {
      await rmdir(one);
      if (one === resolve(topmost)) return;
    }
  } catch {
    // Something was put there meanwhile, or the disk is full: the cause of the end is another one.
  }
}

function timestamp(date: Date): string {
  const digits = date.toISOString().replace(/[-:]/g, '').replace('T', '-');
  return digits.slice(0, 15);
}

/** What a run folder says of its run. */
export interface RunDescription {
  readonly runFolder: string;
  readonly configJson: string;
  /** Text of its identity.json. */
  readonly beginning: string;
  readonly address: string;
  /** The folder of the coordinator's credentials. */
  readonly certs?: string | undefined;
}

/** Writes the config of a run, as it was resolved, what it began with, and how its coordinator is reached. Throws  CANNOT_WRITE. */
export async function describeRun({
  runFolder,
  configJson,
  beginning,
  address,
  certs,
}: RunDescription): Promise<void> {
  const pretty = `${JSON.stringify(JSON.parse(configJson), null, 2)}\n`;
  await writeFileAtomically(join(runFolder, RUN_FILES.identity), [Buffer.from(beginning)]);
  await writeFileAtomically(join(runFolder, RUN_FILES.config), [Buffer.from(pretty)]);
  await writeFileAtomically(join(runFolder, RUN_FILES.address), [Buffer.from(`${address}\n`)]);
  const certsFile = join(runFolder, RUN_FILES.certs);
  if (certs === undefined) await rm(certsFile, { force: true });
  else await writeFileAtomically(certsFile, [Buffer.from(`${resolve(certs)}\n`)]);
}
