/** @file `tessera runs`: lists and shows runs. */

import { isLoopback } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import { findRun } from '../../shared/runs/reader/find.ts';
import {
  hasEndedEarly,
  isRunFolder,
  type RunRecord,
  readRun,
  readRuns,
} from '../../shared/runs/reader/read.ts';
import { leavesOf } from '../config/config-view.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { commandLine, pathWord, typable } from '../terminal/command-text.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { changedSettings, faultsOf, listLines, outcomeOf, showLines } from './runs-view.ts';

/** Flags of every command of `runs`. */
export interface RunsOptions {
  readonly runsFolder: string;
  readonly json?: true;
}

/** Lists the runs of a folder, the newest first, those that cannot be read too. Throws  DATA_INVALID when the folder cannot be. */
export async function listRuns(options: RunsOptions): Promise<void> {
  const runs = await readRuns(options.runsFolder);
  if (options.json) printJson({ schema: 'runs-list/1', runs: runs.map(summaryOf) });
  else if (runs.length === 0)
    say(typable(`no runs in ${options.runsFolder}/; tessera train CONFIG makes one`));
  else print(listLines(runs, Date.now()));
}

/**
 * Shows one run in full, the newest unless one is named.
 *
 * Throws  USAGE when there is none of that name; DATA_INVALID, after it was shown, when a part of it cannot be read.
 */
export async function showRun(options: RunsOptions & { readonly name?: string }): Promise<void> {
  const run = await readRun(await runFolder(options.name, options));
  const { checkpoints, pictures, metrics } = run;
  if (options.json) {
    printJson({
      schema: 'runs-show/1',
      ...summaryOf(run),
      changed: changedSettings(run.config ?? {}).map(({ path, value }) => ({ path, value })),
      evaluations: metrics.evaluations,
      checkpoints,
      pictures,
    });
  } else print(showLines(run, nextLines(run)));
  refuseFaults([run]);
}

/** If named runs cannot be read, the exit code says so too; a list only marks them. */
export function refuseFaults(runs: readonly RunRecord[]): void {
  const faulty = runs.filter(({ faults }) => faults.length > 0);
  if (faulty.length === 0) return;
  const named = faulty.map(({ name, faults }) => `${name} (${faults.join('; ')})`);
  const hint =
    'what could be read was shown; check who may read the rest, or bring it back from a copy';
  throw new TesseraError('DATA_INVALID', `cannot read all of ${someOf(named)}`, { hint });
}

/** The folder of a run; one that only looks like it, as an export does, is none. */
export async function runFolder(
  name: string | undefined,
  { runsFolder }: RunsOptions,
): Promise<string> {
  const folder = await findRun(name, { ...SAY_PASSED_OVER, runsFolder });
  if (await isRunFolder(folder)) return folder;
  throw new TesseraError('USAGE', `${folder} holds no run`, {
    hint: 'tessera runs list shows those that there are',
  });
}

/** JSON has no NaN; a number that is not there yet is null there. */
export function summaryOf(run: RunRecord) {
  const { name, folder, state, seconds, metrics } = run;
  const { firstTime = null, lastTime = null, damagedLines } = metrics;
  const known = { name, folder, state, faults: faultsOf(run), seconds, firstTime, lastTime };
  const { exit = null, code = null } = (state === 'running' ? {} : metrics.ending) ?? {};
  return { ...known, exit, code, damagedLines, ...outcomeOf(run) };
}

/** The command that resumes a run. */
export function resumeLine({ folder, config, certs }: RunRecord): string {
  const listen = new Map(leavesOf(config ?? {})).get('cluster.listen');
  const isOpen = typeof listen === 'string' && !isLoopback(listen);
  const access = certs === undefined ? isOpen && ['--insecure'] : ['--certs', certs];
  return commandLine(['train', '--resume', pathWord(folder), ...(access || [])]);
}

/** What one may type about a run. */
function nextLines(record: RunRecord) {
  const { folder, state, checkpoints } = record;
  const lines: (readonly [string, string])[] = [];
  const run = pathWord(folder);
  if (state === 'running') {
    lines.push(['Watch', commandLine(['status', run, '--watch'])]);
    lines.push(['Stop', commandLine(['stop', run])]);
  }
  if (hasEndedEarly(state)) lines.push(['Resume', resumeLine(record)]);
  if (checkpoints.length > 0) {
    lines.push(['Evaluate', commandLine(['eval', pathWord(folder)])]);
    lines.push(['Predict', commandLine(['predict', 'IMAGE...', '--checkpoint', pathWord(folder)])]);
  }
  return lines;
}
