/** @file `tessera status`: what a run is doing, once or every second. */
import { systemClock } from '../shared/core/clock.ts';
import { watchShutdown } from '../shared/host/shutdown.ts';
import type { StatusReply } from '../shared/rpc/status-client.ts';
import { type AskedRun, askedBy, askStatus, type QuestionFlags } from './question.ts';
import { nearPath } from './run-end.ts';
import type { RunRecord } from './runs-read.ts';
import { endLines, endOf, outcomeOf } from './runs-view.ts';
import { statusLines } from './status-view.ts';
import { jsonText, print, printJson, say } from './talk.ts';

/** Flags of `status`. */
export interface StatusOptions extends QuestionFlags {
  readonly watch?: true;
  readonly json?: true;
}

const WATCH_MS = 1000;
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

/** Shows the status of a run, or how it ended. Throws  COORDINATOR_UNREACHABLE when nobody answers. */
export async function runStatus(options: StatusOptions): Promise<void> {
  const asked = await askedBy(options);
  if (asked.ended !== undefined) showEnd(asked.ended, options);
  else if (options.watch) await watch(asked, options);
  else show(await askStatus(asked), options);
}

/** Shows it again and again until the run is over, its coordinator has gone, or Ctrl-C: all good ends. */
async function watch(asked: AskedRun, options: StatusOptions): Promise<void> {
  const shutdown = watchShutdown({ announce: () => {} });
  let isSeen = false;
  try {
    for (;;) {
      const question = { ...asked.question, signal: shutdown.signal };
      const status = await askStatus({ ...asked, question });
      isSeen = true;
      if (process.stdout.isTTY && !options.json) process.stdout.write(CLEAR_SCREEN);
      show(status, options);
      if (status.phase === 'done' || status.phase === 'failed') return;
      await systemClock.sleep(WATCH_MS, shutdown.signal);
    }
  } catch (thrown) {
    if (shutdown.signal.aborted) return;
    // A coordinator leaves soon after its run: mostly between two looks at it.
    if (!isSeen) throw thrown;
    say('the coordinator has gone: its run is over, or was stopped');
  } finally {
    shutdown.dispose();
  }
}

/** JSON has no NaN; a number that is not there yet is null there. */
function show(status: StatusReply, options: StatusOptions): void {
  const runFolder = nearPath(status.runFolder);
  if (!options.json) print(statusLines({ ...status, runFolder }));
  else if (options.watch) process.stdout.write(`${jsonText({ schema: 'status/1', ...status })}\n`);
  else printJson({ schema: 'status/1', ...status });
}

/** A run that has ended, from its folder. */
function showEnd(run: RunRecord, options: StatusOptions): void {
  if (!options.json) {
    print(endLines(run));
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
