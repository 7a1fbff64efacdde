/** @file Finds runs on this disk: by path, by name, by the beginning of a name, or the newest. */
import { existsSync, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { someOf } from '../../core/text.ts';
import { cannotRead } from '../../files/files.ts';
import { whyNot } from '../../files/why-not.ts';
import { RUN_FILES, RUNS_FOLDER } from '../layout.ts';

/** When a folder of runs says that a run began, and which one of that second it is. */
export interface RunStamp {
  /** The name of the run, which its config has too. */
  readonly of: string;
  readonly timeMs: number;
  readonly number: number;
}

/** Reads NAME-TIME or NAME-TIME-2; undefined for a folder that was named by hand. */
export function runStamp(folderName: string): RunStamp | undefined {
  const match = /^(.+)-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?:-([1-9]\d*))?$/.exec(folderName);
  if (match === null) return undefined;
  const [, of = '', year, month, day, hour, minute, second, number = '1'] = match;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(timeMs) ? undefined : { of, timeMs, number: Number(number) };
}

/** Where runs are looked for, and what is reported of that. */
export interface FindOptions {
  readonly runsFolder?: string;
  /** What to do where there is no such run. */
  readonly hint?: string;
  /** Called with the runs that would be the newest and cannot be read: `runs/a (permission denied)`. */
  readonly passedOver?: (runs: readonly string[]) => void;
}

/**
 * The folder of a run by what was typed: a path, a name in the folder of runs, or the beginning of one name alone. A path
 * comes before a name. Without an argument it is the newest run.
 *
 * Throws  USAGE when there is none, or several names begin so.
 */
export async function findRun(text?: string, options: FindOptions = {}): Promise<string> {
  if (text === undefined) return await newestRunFolder(undefined, options);
  const { runsFolder = RUNS_FOLDER, hint = 'tessera runs list shows their names' } = options;
  const found = await searchRun(text, runsFolder);
  if (found !== undefined) return found;
  const what = existsSync(text) ? `${text} holds no run` : `there is no run ${text}`;
  throw new TesseraError('USAGE', `${what}, and none in ${runsFolder}/ has a name that begins so`, {
    hint,
  });
}

/** The newest of the runs called `name`, or of all. Throws  USAGE when there is none. */
export async function newestRunFolder(
  name?: string,
  { runsFolder = RUNS_FOLDER, passedOver }: FindOptions = {},
): Promise<string> {
  const runs = await runsIn(runsFolder);
  const newest = firstOf(
    runs.filter(({ entry }) => name === undefined || runStamp(entry)?.of === name),
    passedOver,
  );
  if (newest !== undefined) return newest.folder;
  const what = name === undefined ? 'no run' : `no run of ${name}`;
  throw new TesseraError('USAGE', `there is ${what} in ${runsFolder}/`, {
    hint: 'begin one with tessera train CONFIG, or give the folder of a run that is elsewhere',
  });
}

/** The run whose coordinator was started last: its address is the newest. Throws  USAGE when there is none. */
export async function lastStartedRun({
  runsFolder = RUNS_FOLDER,
  passedOver,
}: FindOptions = {}): Promise<string> {
  const started = await runsIn(runsFolder, RUN_FILES.address);
  const newest = firstOf(
    started.sort((one, other) => other.writtenMs - one.writtenMs),
    passedOver,
  );
  if (newest !== undefined) return newest.folder;
  throw new TesseraError('USAGE', `no run in ${runsFolder}/ says where its coordinator is`, {
    hint: 'give its address or its run folder: tessera status HOST:PORT',
  });
}

/** The run of a path, a name or the beginning of one; undefined where there is none. Throws  USAGE for a beginning of several. */
export async function searchRun(
  text: string,
  runsFolder = RUNS_FOLDER,
): Promise<string | undefined> {
  for (const folder of [text, join(runsFolder, text)]) {
    if ((await lookAt(folder, RUN_FILES.config)) !== undefined) return folder;
  }
  if (text === '') return undefined;
  const alike = (await runsIn(runsFolder)).filter(({ entry }) => entry.startsWith(text));
  const [only, ...others] = alike;
  if (others.length === 0) return only?.folder;
  const names = someOf(alike.map(({ entry }) => entry));
  throw new TesseraError(
    'USAGE',
    `${alike.length} runs have names that begin with ${text}: ${names}`,
    {
      hint: 'type as much of the name as only one has',
    },
  );
}

/** A folder that a run was begun in. */
interface Entry {
  readonly entry: string;
  readonly folder: string;
  /** When it began: what its name says, or else its file. */
  readonly timeMs: number;
  readonly number: number;
  /** When its file was written; of one that cannot be seen, when it may have been. */
  readonly writtenMs: number;
  /** Why it cannot be resumed as it is. */
  readonly fault?: string;
}

/** The runs of a folder, the newest first. */
async function runsIn(runsFolder: string, file: string = RUN_FILES.config): Promise<Entry[]> {
  const runs: Entry[] = [];
  for (const entry of await runsFolderNames(runsFolder)) {
    const folder = join(runsFolder, entry);
    const found = await lookAt(folder, file);
    if (found === undefined) continue;
    const { timeMs = Number.POSITIVE_INFINITY, number = 1 } = runStamp(entry) ?? {
      timeMs: found.writtenMs,
    };
    runs.push({ entry, folder, number, timeMs, writtenMs: timeMs, ...found });
  }
  return runs.sort((one, other) => other.timeMs - one.timeMs || other.number - one.number);
}

/** The first of some runs that can be read; those before it are passed over. */
function firstOf(
  runs: readonly Entry[],
  passedOver: FindOptions['passedOver'] = () => {},
): Entry | undefined {
  const first = runs.findIndex(({ fault }) => fault === undefined);
  const before = first < 0 ? runs : runs.slice(0, first);
  if (before.length > 0) passedOver(before.map(({ folder, fault }) => `${folder} (${fault})`));
  return runs[first];
}

/** When a file of a run was written, or what is wrong with it; undefined where there is no run. */
async function lookAt(
  folder: string,
  file: string,
): Promise<{ readonly writtenMs?: number; readonly fault?: string } | undefined> {
  const path = join(folder, file);
  const found = await stat(path).catch((error: unknown) => error);
  if (found instanceof Stats && found.isFile()) return { writtenMs: found.mtimeMs };
  const fault = found instanceof Stats ? `its ${file} is not a file` : whyNot(path, found);
  if (['EACCES', 'EPERM'].includes(errnoOf(found))) return { fault };
  const mark = await stat(join(folder, RUN_FILES.metrics)).catch(() => undefined);
  return mark && { writtenMs: mark.mtimeMs, fault };
}

/**
 * The names in a folder of runs; none where there is no such folder.
 *
 * Throws  DATA_INVALID when it cannot be read.
 */
export async function runsFolderNames(runsFolder: string): Promise<readonly string[]> {
  try {
    return await readdir(runsFolder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw cannotRead(runsFolder, error);
    // Throws where even the current folder is not there any more.
    resolve(runsFolder);
    return [];
  }
}
