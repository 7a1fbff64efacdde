/** @file `tessera status`: what a run is doing, once or every second. */
import { systemClock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { watchShutdown } from '../shared/host/shutdown.ts';
import { fetchStatus, type Question, type StatusReply } from '../shared/rpc/status-client.ts';
import { type QuestionFlags, questionOf } from './question.ts';
import { statusLines } from './status-view.ts';
import { jsonText, print, printJson, say } from './talk.ts';

/** Flags of `status`. */
export interface StatusOptions extends QuestionFlags {
  readonly watch?: true;
  readonly json?: true;
}

const WATCH_MS = 1000;
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

/** Shows the status of a run. Throws  COORDINATOR_UNREACHABLE when nobody answers. */
export async function runStatus(options: StatusOptions): Promise<void> {
  const question = await questionOf(options);
  if (options.watch) return await watch(question, options);
  show(await ask(question), options);
}

/** Shows it again and again until the run is over, its coordinator has gone, or Ctrl-C: all good ends. */
async function watch(question: Question, options: StatusOptions): Promise<void> {
  const shutdown = watchShutdown({ announce: () => {} });
  let isSeen = false;
  try {
    for (;;) {
      const status = await ask({ ...question, signal: shutdown.signal });
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

async function ask(question: Question): Promise<StatusReply> {
  try {
    return await fetchStatus(question);
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    if (error.code !== 'COORDINATOR_UNREACHABLE' && error.code !== 'TIMEOUT') throw error;
    throw new TesseraError(
      'COORDINATOR_UNREACHABLE',
      `no coordinator answers at ${question.address}`,
      {
        hint: 'it may have ended; start or resume the run, or give the address it printed at its start',
        cause: thrown,
      },
    );
  }
}

/** JSON has no NaN; a number that is not there yet is null there. */
function show(status: StatusReply, options: StatusOptions): void {
  if (!options.json) print(statusLines(status));
  else if (options.watch) process.stdout.write(`${jsonText({ schema: 'status/1', ...status })}\n`);
  else printJson({ schema: 'status/1', ...status });
}
