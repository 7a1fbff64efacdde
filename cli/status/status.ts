/** @file `tessera status`: what a run is doing, once or every second. */
import type { RunStatus } from '../../shared/contract/status.ts';
import { ERROR_CODES } from '../../shared/core/errors.ts';
import { nearPath } from '../../shared/files/near-path.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { hasEndedEarly, type RunRecord } from '../../shared/runs/reader/read.ts';
import { type AskedRun, askedBy, askStatus } from '../../tools/operator/ask.ts';
import { exitCodeOfEnd, watchRun } from '../../tools/operator/watch.ts';
import type { Outage, Scene } from '../../tools/operator/watch-story.ts';
import type { RunAddressFlags } from '../connect/credentials.ts';
import { resumeLine } from '../runs/runs.ts';
import { endLines, endOf, outcomeOf } from '../runs/runs-view.ts';
import { jsonText, print, printJson, say } from '../terminal/output.ts';
import { statusLines } from './status-view.ts';

/** Flags of `status`. */
export interface StatusOptions extends RunAddressFlags {
  readonly watch?: true;
  /** Milliseconds to ask on when a coordinator that is watched has gone. */
  readonly reconnect?: number;
  readonly json?: true;
}

const CLEAR_SCREEN = '\x1b[H\x1b[2J';
/** A worker looks as long for a coordinator that has gone. */
const PATIENCE_MS = 60_000;

/**
 * Shows the status of a run, or how it ended; returns the exit code: that of a run which was watched to its end.
 *
 * Throws  COORDINATOR_UNREACHABLE when there is no reply, or no longer.
 */
export async function runStatus(options: StatusOptions): Promise<number> {
  const asked = await askedBy(options, say);
  if (asked.ended !== undefined) {
    showEnd(asked.ended, options);
    return options.watch ? exitCodeOfEnd(asked.ended) : 0;
  }
  if (options.watch) return await watch(asked, options);
  show(await askStatus(asked), options);
  return 0;
}

async function watch(asked: AskedRun, options: StatusOptions): Promise<number> {
  const shutdown = watchShutdown({ announce: () => {} });
  const patienceMs = options.reconnect ?? PATIENCE_MS;
  const { signal } = shutdown;
  const shown = (scene: Scene) => showScene(scene, options);
  const showEnded = (run: RunRecord) => showEnd(run, options);
  try {
    return await watchRun({
      asked,
      patienceMs,
      signal,
      show: shown,
      showEnd: showEnded,
      resumeLine,
    });
  } catch (thrown) {
    if (signal.aborted) return ERROR_CODES.CANCELLED.exit;
    throw thrown;
  } finally {
    shutdown.dispose();
  }
}

/** A terminal shows what is now; elsewhere each thing is said once. */
function showScene(scene: Scene, options: StatusOptions): void {
  const isScreen = process.stdout.isTTY && !options.json;
  if (isScreen) process.stdout.write(CLEAR_SCREEN);
  if (scene.outage === undefined) show(scene.status, options);
  else if (isScreen) {
    show(scene.status, options);
    print(['', scene.outage.sentence]);
  } else if (scene.isNews) showOutage(scene.status, scene.outage, options);
}

function showOutage(status: RunStatus, outage: Outage, options: StatusOptions): void {
  const { phase, sentence: reason } = outage;
  if (options.json) show({ ...status, phase, reason, workers: [] }, options);
  else print([reason]);
}

/** JSON has no NaN; a number that is not there yet is null there. */
function show(status: RunStatus, options: StatusOptions): void {
  const runFolder = nearPath(status.runFolder);
  if (!options.json) print(statusLines({ ...status, runFolder }));
  else if (options.watch) process.stdout.write(`${jsonText({ schema: 'status/1', ...status })}\n`);
  else printJson({ schema: 'status/1', ...status });
}

/** A run that has ended, from its folder. */
function showEnd(run: RunRecord, options: StatusOptions): void {
  if (!options.json) {
    const wayOn = hasEndedEarly(run.state) ? [`${'Resume:'.padEnd(12)} ${resumeLine(run)}`] : [];
    print([...endLines(run), ...wayOn]);
    return;
  }
  const { folder: runFolder, state, seconds } = run;
  const { epoch, epochs: epochsTotal, step, trainLoss: loss, ...outcome } = outcomeOf(run);
  printJson({
    schema: 'status/1',
    ...{ run: run.name, phase: state, reason: endOf(run), step, epoch, epochsTotal, loss },
    ...{ ...outcome, seconds, etaSeconds: null, runFolder, workers: [] },
  });
}
