/** @file Where a run that goes on has its settings and its address: in its own folder, unless a config is given. */
import { join } from 'node:path';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { findRun, newestRunFolder } from '../../shared/runs/reader/find.ts';
import { configOf } from '../../shared/runs/reader/read.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { pathWord } from '../terminal/command-text.ts';

/** What the command line says of a run: its config, or where it goes on, or both. */
export interface RunFlags {
  readonly config?: string | undefined;
  /** True without a folder: the newest run. */
  readonly resume?: string | true | undefined;
  /** Folder of a new run. */
  readonly runFolder?: string | undefined;
}

/** The config of a run by its name or path, and the folder that it goes on in where that is known by now. */
export interface RunOrigin {
  readonly config: string;
  readonly resume: string | undefined;
}

/**
 * Where a run has its config: given, or kept by the run that goes on.
 *
 * Throws  USAGE when there is neither, or no run to go on with, or a run that goes on shall have a new folder;
 *         DATA_INVALID when the config of a run that goes on cannot be read.
 */
export async function runOrigin({ config, resume, runFolder }: RunFlags): Promise<RunOrigin> {
  if (resume !== undefined && runFolder !== undefined) {
    throw new TesseraError('USAGE', 'a run that goes on stays in its folder', {
      hint: 'give --resume RUN_FOLDER without --run-folder',
    });
  }
  const named = typeof resume === 'string' ? await findRun(resume) : undefined;
  if (config !== undefined) return { config, resume: named };
  if (resume === undefined) {
    throw new TesseraError('USAGE', 'there is no config to train and no run to go on with', {
      hint: 'give a config, such as quickstart, or --resume RUN_FOLDER',
    });
  }
  const folder = named ?? (await newestRunFolder(undefined, SAY_PASSED_OVER));
  await refuseUnreadable(folder, named === undefined);
  return { config: join(folder, RUN_FILES.config), resume: folder };
}

/** Without its config a run is no start; to take an older run in its place, unasked, would be another run. */
async function refuseUnreadable(folder: string, isNewest: boolean): Promise<void> {
  const { faults } = await configOf(folder);
  const [fault] = faults;
  if (fault === undefined) return;
  const which = isNewest ? 'the newest run, ' : '';
  throw new TesseraError('DATA_INVALID', `cannot go on with ${which}${folder}: ${fault}`, {
    hint: `give its config (train CONFIG --resume ${pathWord(folder)}), or another run after --resume`,
  });
}

/** The folder that a run goes on in; undefined for one that begins. Throws  USAGE when there is none. */
export async function resumeFolder(
  flags: RunFlags,
  origin: RunOrigin,
  { config }: LoadedConfig,
): Promise<string | undefined> {
  if (flags.resume === undefined) return undefined;
  return origin.resume ?? (await newestRunFolder(config.name, SAY_PASSED_OVER));
}

/**
 * The address at which the workers of a run look for it; undefined where its config names the port, or it never had one.
 *
 * A coordinator on any free port that is started again takes the one that it had, or its workers would not find it.
 */
export async function knownAddress(
  runFolder: string | undefined,
  { config }: LoadedConfig,
): Promise<string | undefined> {
  if (runFolder === undefined || !config.cluster.listen.endsWith(':0')) return undefined;
  const text = await readTextFile(join(runFolder, RUN_FILES.address)).catch(() => '');
  return /^\S+:\d{1,5}$/.test(text.trim()) ? text.trim() : undefined;
}
