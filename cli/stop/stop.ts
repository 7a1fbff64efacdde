/** @file `tessera stop`: ends a run early, what is trained being saved. */

import { nearPath } from '../../shared/files/near-path.ts';
import { askedBy, askToStop } from '../../tools/operator/ask.ts';
import type { RunAddressFlags } from '../connect/credentials.ts';
import { endOf, outcomeOf } from '../runs/runs-view.ts';
import { pointer, printJson, say } from '../terminal/output.ts';

/** Flags of `stop`. */
export interface StopOptions extends RunAddressFlags {
  readonly reason?: string;
  readonly json?: true;
}

/** Asks a coordinator to end its run; reports a run that has ended. Throws  COORDINATOR_UNREACHABLE, ACCESS_DENIED. */
export async function runStop(options: StopOptions): Promise<void> {
  const asked = await askedBy(options, say);
  const { ended } = asked;
  if (ended !== undefined) {
    const { step } = outcomeOf(ended);
    const { folder: runFolder, name: run, state } = ended;
    say(pointer('has ended', `${run} at step ${step} (${endOf(ended)}): there is nothing to stop`));
    if (options.json) printJson({ schema: 'stop/1', run, runFolder, step, state });
    return;
  }
  const { run, runFolder, step } = await askToStop(asked, options.reason ?? '');
  say(pointer('stopping', `${run} at step ${step}; it is being saved in ${nearPath(runFolder)}`));
  if (options.json) printJson({ schema: 'stop/1', run, runFolder, step });
}
