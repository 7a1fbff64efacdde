/** @file `tessera stop`: ends a run early, what is trained being saved. */
import { stopRun } from '../shared/rpc/status-client.ts';
import { type QuestionFlags, questionOf } from './question.ts';
import { pointer, printJson, say } from './talk.ts';

/** Flags of `stop`. */
export interface StopOptions extends QuestionFlags {
  readonly reason?: string;
  readonly json?: true;
}

/** Asks a coordinator to end its run. Throws  COORDINATOR_UNREACHABLE, ACCESS_DENIED. */
export async function runStop(options: StopOptions): Promise<void> {
  const { run, runFolder, step } = await stopRun(await questionOf(options), options.reason ?? '');
  say(pointer('stopping', `${run} at step ${step}; it is being saved in ${runFolder}`));
  if (options.json) printJson({ schema: 'stop/1', run, runFolder, step });
}
