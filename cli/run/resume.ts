/** @file The settings of a resumed run: from its own folder, unless a config is given. */
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { continueRun } from '../../launch/begin/more-epochs.ts';
import { AUTO, placeOfRun } from '../../launch/begin/run-place.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { isRecord } from '../../shared/core/text.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { findRun, newestRunFolder } from '../../shared/runs/reader/find.ts';
import { configOf } from '../../shared/runs/reader/read.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { isImageFolder } from '../inputs/image-folder.ts';
import { pathWord } from '../terminal/command-text.ts';

/** The run on the command line: its config, or the folder to resume, or both. */
export interface RunFlags {
  readonly config?: string | undefined;
  /** True without a folder: the newest run; `auto`: the run of `runFolder`, if there is one. */
  readonly resume?: string | true | undefined;
  /** Folder of a new run. */
  readonly runFolder?: string | undefined;
  /** Epochs of a new run that continues the resumed one. */
  readonly moreEpochs?: number | undefined;
}

/** The config of a run by its name or path, and the folder of a resumed run, if known. */
export interface RunOrigin {
  readonly config: string;
  readonly resume: string | undefined;
  /** The run that a new one continues. */
  readonly continues?: string;
  /** Whether something of a run was saved, so that this one continues it. */
  readonly isKept: boolean;
}

/**
 * The config of a run: given, or kept by the resumed run.
 *
 * Throws  USAGE when there is neither, or no run to resume, or a new folder is given for a resumed run;
 *         DATA_INVALID when the config of a resumed run cannot be read.
 */
export async function runOrigin(flags: RunFlags): Promise<RunOrigin> {
  const { config, resume, runFolder, moreEpochs } = flags;
  if (moreEpochs !== undefined) return await continued(flags, moreEpochs);
  if (resume === AUTO) return await whatIsThere(config, runFolder);
  if (resume !== undefined && runFolder !== undefined) {
    throw new TesseraError('USAGE', 'a resumed run stays in its folder', {
      hint: 'give --resume RUN_FOLDER without --run-folder',
    });
  }
  const named = typeof resume === 'string' ? await findRun(resume) : undefined;
  const isKept = resume !== undefined;
  if (config !== undefined) return { config, resume: named, isKept };
  if (resume === undefined) {
    throw new TesseraError('USAGE', 'there is no config to train and no run to resume', {
      hint: 'give a config, such as quickstart, or --resume RUN_FOLDER',
    });
  }
  const folder = named ?? (await newestRunFolder(undefined, SAY_PASSED_OVER));
  await refuseUnreadable(folder, named === undefined);
  return { config: join(folder, RUN_FILES.config), resume: folder, isKept };
}

/**
 * The run of a folder, if it has saved something; else a new one.
 *
 * Throws  USAGE without a folder, or without a config where none is kept; CHECKPOINT_MISMATCH for other images.
 */
async function whatIsThere(
  config: string | undefined,
  runFolder: string | undefined,
): Promise<RunOrigin> {
  const { resume, isKept } = await placeOfRun({ resume: AUTO, runFolder });
  if (resume === undefined || !isKept) {
    if (config !== undefined) return { config, resume, isKept };
    throw new TesseraError('USAGE', `there is no run in ${runFolder}, and no config to begin one`, {
      hint: 'give a config, such as quickstart',
    });
  }
  const kept = join(resume, RUN_FILES.config);
  if (config === undefined) return { config: kept, resume, isKept };
  if (!(await isImageFolder(config))) return { config, resume, isKept };
  // What was chosen for a folder of images when its run began might be chosen differently now.
  const { config: keptConfig = {} } = await configOf(resume);
  await refuseOtherImages({ kept: keptConfig, of: `the run in ${resume}` }, config);
  return { config: kept, resume, isKept };
}

/** Throws  CHECKPOINT_MISMATCH when the run with the config `kept` is of other images. */
export async function refuseOtherImages(
  { kept, of }: { readonly kept: Readonly<Record<string, unknown>>; readonly of: string },
  images: string,
): Promise<void> {
  const data = isRecord(kept['data']) ? kept['data'] : {};
  const path = String(data['path'] ?? data['source'] ?? 'other images');
  const [theirs, ours] = await Promise.all(
    [path, images].map((one) => realpath(one).catch(() => resolve(one))),
  );
  if (theirs === ours) return;
  throw new TesseraError('CHECKPOINT_MISMATCH', `${of} is of ${path}, not of ${images}`, {
    hint: 'give that folder again',
  });
}

const OTHER_FOLDER = 'a new run needs another --run-folder';

/** An error of `--resume auto`, with what to do where another run is in the folder. */
export function withOtherFolder(thrown: unknown): unknown {
  if (!(thrown instanceof TesseraError) || thrown.code !== 'CHECKPOINT_MISMATCH') return thrown;
  const { code, sentence, details, hint } = thrown;
  // The folder is empty where the run of a mirror is another.
  if (hint?.includes('checkpoint.mirror')) return thrown;
  const ways = hint === undefined ? OTHER_FOLDER : `${hint}; ${OTHER_FOLDER}`;
  return new TesseraError(code, sentence, { hint: ways, details, cause: thrown });
}

/** A new run that begins where the resumed one is. Throws  USAGE without one, or with a config; as `continueRun`. */
async function continued(
  { config, resume, runFolder }: RunFlags,
  epochs: number,
): Promise<RunOrigin> {
  if (resume === undefined || resume === AUTO || config !== undefined) {
    throw new TesseraError('USAGE', '--more-epochs continues a run, with the config that it has', {
      hint: 'give --resume [RUN_FOLDER] --more-epochs COUNT, and no config',
    });
  }
  const from =
    resume === true ? await newestRunFolder(undefined, SAY_PASSED_OVER) : await findRun(resume);
  const folder = await continueRun({ from, epochs, runFolder });
  return {
    config: join(folder, RUN_FILES.config),
    ...{ resume: folder, continues: from, isKept: true },
  };
}

/** A run without its config cannot be resumed; an older run in its place would be another run. */
async function refuseUnreadable(folder: string, isNewest: boolean): Promise<void> {
  const { faults } = await configOf(folder);
  const [fault] = faults;
  if (fault === undefined) return;
  const which = isNewest ? 'the newest run, ' : '';
  throw new TesseraError('DATA_INVALID', `cannot resume ${which}${folder}: ${fault}`, {
    hint: `give its config (train CONFIG --resume ${pathWord(folder)}), or another run after --resume`,
  });
}

/** The folder of a resumed run, or AUTO; undefined for a new one. Throws  USAGE when there is none. */
export async function resumeFolder(
  flags: RunFlags,
  origin: RunOrigin,
  { config }: LoadedConfig,
): Promise<string | undefined> {
  if (flags.resume === undefined || flags.resume === AUTO) return flags.resume;
  return origin.resume ?? (await newestRunFolder(config.name, SAY_PASSED_OVER));
}
