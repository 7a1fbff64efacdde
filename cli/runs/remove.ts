/** @file `tessera runs rm`: removes runs that no coordinator holds, each for itself. */
import { resolve, sep } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { refuseHeld, removeRun } from '../../shared/runs/lock/run-lock.ts';
import { type RunRecord, readRun } from '../../shared/runs/reader/read.ts';
import { isAgreed } from '../terminal/agreement.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { printJson, say } from '../terminal/output.ts';
import { type RunsOptions, runFolder } from './runs.ts';

/** What was asked for and stays, and why. */
interface Failure {
  readonly name: string;
  readonly error: TesseraError;
}

/**
 * Removes runs, after asking. One that cannot be removed is said, and keeps no other.
 *
 * Throws  CANCELLED at a no; USAGE without a terminal; when a run was not removed, why: RUN_IN_USE, USAGE for what is
 *         not a run, CANNOT_WRITE.
 */
export async function removeRuns(
  options: RunsOptions & { readonly names: readonly string[]; readonly yes?: true },
): Promise<void> {
  const failures: Failure[] = [];
  const runs = new Map<string, RunRecord>();
  const removed: string[] = [];
  const trying = async (name: string, work: () => Promise<void>) => {
    await work().catch((thrown: unknown) => {
      const error = explained(TesseraError.from(thrown), name);
      failures.push({ name, error });
      if (options.names.length > 1) say(`${name} stays: ${error.sentence}`);
    });
  };
  for (const name of options.names) {
    await trying(name, async () => {
      const folder = resolve(await runFolder(name, options));
      if (!runs.has(folder)) runs.set(folder, await removable(folder));
    });
  }
  if (!options.yes && runs.size > 0) await agree([...runs.values()]);
  for (const [folder, { name }] of runs) {
    await trying(name, async () => {
      await removeRun(folder, { onWait: say });
      say(`removed ${folder}`);
      removed.push(folder);
    });
  }
  if (options.json) {
    const failed = failures.map(({ name, error: { code, sentence: reason } }) => {
      return { name, code, reason };
    });
    printJson({ schema: 'runs-rm/1', removed, failed });
  }
  refuseFailures(failures, options.names.length);
}

/** The lock is asked first: it is the present, and metrics are the past. */
async function removable(folder: string): Promise<RunRecord> {
  if (`${process.cwd()}${sep}`.startsWith(`${folder}${sep}`)) {
    throw new TesseraError('USAGE', `${folder} is around the current folder`, {
      hint: 'change to another folder first',
    });
  }
  await refuseHeld(folder, { onWait: say });
  const run = await readRun(folder);
  if (run.state !== 'running') return run;
  throw new TesseraError('RUN_IN_USE', `${run.name} is still running`);
}

/** The hint about a running run; the hint of the lock is for commands that start one. */
function explained(error: TesseraError, name: string): TesseraError {
  if (error.code !== 'RUN_IN_USE') return error;
  const { sentence, cause } = error;
  return new TesseraError('RUN_IN_USE', sentence, {
    hint: `stop a running one with: ${commandLine(['stop', pathWord(name)])}`,
    cause,
  });
}

async function agree(runs: readonly RunRecord[]): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new TesseraError(
      'USAGE',
      'stdin is not a terminal: pass --yes to remove without asking',
      {
        hint: 'add --yes to remove them without a question',
      },
    );
  }
  for (const { folder, checkpoints } of runs) {
    const bytes = checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
    say(`${folder}: ${checkpoints.length} checkpoints, ${formatBytes(bytes)}`);
  }
  const isSure = await isAgreed(`Remove ${runs.length === 1 ? 'it' : 'them'} for good?`);
  if (!isSure) throw new TesseraError('CANCELLED', 'nothing was removed');
}

function refuseFailures([first, ...others]: readonly Failure[], asked: number): void {
  if (first === undefined) return;
  if (asked === 1) throw first.error;
  const { code, hint } = first.error;
  const what = `${1 + others.length} of ${asked} runs ${others.length === 0 ? 'was' : 'were'} not removed`;
  throw new TesseraError(code, what, hint === undefined ? {} : { hint });
}
