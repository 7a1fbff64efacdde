/** @file Finds runs on this disk: the newest one, its address, the checkpoint that a path means. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES, RUNS_FOLDER } from '../coordinator/run-folder.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { ownAddress } from '../shared/host/addresses.ts';
import { readTextFile } from '../shared/host/regular-file.ts';

/** The newest folder of the runs called `name`, or of all, by the time in its name. Throws  USAGE when there is none. */
export async function newestRunFolder(name?: string, runsFolder = RUNS_FOLDER): Promise<string> {
  const stamped = (await namesIn(runsFolder)).flatMap((entry) => {
    const [, of, stamp = ''] = /^(.+)-(\d{8}-\d{6})$/.exec(entry) ?? [];
    return of !== undefined && (name === undefined || of === name) ? { entry, stamp } : [];
  });
  for (const { entry } of stamped.sort((one, other) => (one.stamp < other.stamp ? 1 : -1))) {
    const folder = join(runsFolder, entry);
    if (await holdsRun(folder)) return folder;
  }
  const what = name === undefined ? 'no run' : `no run of ${name}`;
  throw new TesseraError('USAGE', `there is ${what} in ${runsFolder}/ to go on with`, {
    hint: 'give its folder, --resume RUN_FOLDER, or leave --resume out to start anew',
  });
}

/** The folder of a run to go on with, as it was typed. Throws  USAGE when it holds none. */
export async function existingRunFolder(folder: string): Promise<string> {
  if (await holdsRun(folder)) return folder;
  throw new TesseraError('USAGE', `${folder} holds no run to go on with`, {
    hint: 'give the folder that a run named when it began, such as runs/NAME-TIME',
  });
}

/** The coordinator of the run whose address file is the newest. Throws  USAGE when there is none. */
export async function newestAddress(runsFolder = RUNS_FOLDER): Promise<string> {
  let newest: { path: string; timeMs: number } | undefined;
  for (const entry of await namesIn(runsFolder)) {
    const path = join(runsFolder, entry, RUN_FILES.address);
    const timeMs = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (timeMs !== undefined && (newest === undefined || timeMs > newest.timeMs)) {
      newest = { path, timeMs };
    }
  }
  if (newest !== undefined) return ownAddress((await readTextFile(newest.path)).trim());
  throw new TesseraError('USAGE', `no run in ${runsFolder}/ says where its coordinator is`, {
    hint: 'give its address: tessera status HOST:PORT',
  });
}

/** Whether a run began here: one that could not listen left a folder without a config. */
async function holdsRun(folder: string): Promise<boolean> {
  const found = await stat(join(folder, RUN_FILES.config)).catch(() => undefined);
  return found?.isFile() ?? false;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}
