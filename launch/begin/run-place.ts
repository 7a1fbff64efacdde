/** @file Where a run is, and whether it begins or resumes there: what `resume` and `runFolder` come to. */
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { machineDisk } from '../../shared/files/disk.ts';
import { listCheckpoints } from '../../shared/runs/checkpoint/layout.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { hasSaved } from '../../shared/runs/metrics-file.ts';

/** Resumes the run of `runFolder` if there is one, and begins it there if not. */
export const AUTO = 'auto';

/** What was asked for. */
export interface WantedPlace {
  /** Folder of a run to resume, or AUTO. */
  readonly resume?: string | undefined;
  /** Folder of a new run; with AUTO of the run, new or not. */
  readonly runFolder?: string | undefined;
}

/** Where a run is. */
export interface RunPlace {
  /** Folder of a run that is resumed; undefined for a new one. */
  readonly resume: string | undefined;
  /** Folder of a new run; undefined for runs/NAME-TIME, and for a run that is resumed. */
  readonly runFolder: string | undefined;
  /** Whether something of the resumed run was saved. With AUTO a run that died before that begins again. */
  readonly isKept: boolean;
}

/** Looks where a run is. Throws  USAGE for AUTO without a folder; what keeps the folder from being looked into. */
export async function placeOfRun({ resume, runFolder }: WantedPlace): Promise<RunPlace> {
  if (resume !== AUTO) return { resume, runFolder, isKept: resume !== undefined };
  if (runFolder === undefined) {
    throw new TesseraError('USAGE', '--resume auto needs the folder that the run is always in', {
      hint: 'add --run-folder FOLDER, the same each time',
    });
  }
  const isKept = (await listCheckpoints(runFolder)).length > 0 || (await hasSaved(runFolder));
  const isBegun = isKept || machineDisk.exists(join(runFolder, RUN_FILES.config));
  return isBegun
    ? { resume: runFolder, runFolder: undefined, isKept }
    : { resume: undefined, runFolder, isKept };
}
