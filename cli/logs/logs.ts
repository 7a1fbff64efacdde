/** @file `tessera logs`: what the workers of a run have logged, once or until the run ends. */
import { basename, join } from 'node:path';
import { systemClock } from '../../shared/core/clock.ts';
import { ERROR_CODES, TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import { nearPath } from '../../shared/files/near-path.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { readEvents } from '../../shared/runs/lines.ts';
import { holderOf } from '../../shared/runs/lock/lock.ts';
import { findRun } from '../../shared/runs/reader/find.ts';
import type { ShownLine } from '../../shared/runs/reader/log-lines.ts';
import { RunLogs } from '../../shared/runs/reader/logs.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { say } from '../terminal/output.ts';
import { showLines } from './logs-view.ts';

/** Flags of `logs`. */
export interface LogsOptions {
  /** All unless given. */
  readonly worker?: string;
  /** The newest unless given. */
  readonly run?: string;
  readonly follow?: true;
  readonly json?: true;
}

const PAUSE_MS = 500;

/** Shows what a run's workers have logged; returns the exit code. Throws  USAGE for no such run or worker; DATA_INVALID. */
export async function runLogs({ worker, run, follow, json }: LogsOptions): Promise<number> {
  const folder = await findRun(run, SAY_PASSED_OVER);
  const logs = new RunLogs(folder);
  const show = (lines: readonly ShownLine[]) =>
    showLines(worker === undefined ? lines : lines.filter((line) => line.worker === worker), json);
  const first = await logs.read();
  if (worker !== undefined)
    await refuseUnknown(worker, folder, [...first.map((line) => line.worker), ...logs.ownNames]);
  if (logs.cut.length > 0) say(`note: of ${someOf(logs.cut)} only the end is shown`);
  const isEmpty = !show(first) && !follow;
  if (follow === true && !(await followed(folder, logs, show))) return ERROR_CODES.CANCELLED.exit;
  if (!show(logs.end()) && isEmpty)
    say(`note: ${whose(worker)} logged nothing in ${nearPath(folder)}`);
  return 0;
}

/** Shows what comes until the run is over, or a signal stops this; whether it is over. */
async function followed(
  folder: string,
  logs: RunLogs,
  show: (lines: readonly ShownLine[]) => void,
): Promise<boolean> {
  const shutdown = watchShutdown({ announce: () => {} });
  const { signal } = shutdown;
  try {
    for (;;) {
      // What a run has written last is there once it is over.
      const isOver = await hasEnded(folder);
      show(await logs.read());
      if (isOver) return true;
      await systemClock.sleep(PAUSE_MS, signal);
    }
  } catch (thrown) {
    if (signal.aborted) return false;
    throw thrown;
  } finally {
    shutdown.dispose();
  }
}

async function hasEnded(folder: string): Promise<boolean> {
  const holder = await holderOf(join(folder, RUN_FILES.lock)).catch(() => undefined);
  return holder === undefined;
}

/** Throws  USAGE for a worker that the run does not know, with those that it knows. */
async function refuseUnknown(
  worker: string,
  folder: string,
  known: readonly string[],
): Promise<void> {
  const events = await readEvents(folder, ['worker']);
  const names = new Set([...known, ...events.map((one) => one.worker)]);
  if (names.has(worker)) return;
  const sentence = `${basename(folder)} had no worker ${worker}`;
  const there = names.size === 0 ? 'it has had none yet' : `it had ${someOf([...names].sort())}`;
  throw new TesseraError('USAGE', sentence, { hint: there });
}

function whose(worker: string | undefined): string {
  return worker === undefined ? 'the workers' : worker;
}
