/** @file `tessera stop`: ends a run early, what is trained being saved. */
import { stopRun } from '../shared/rpc/status-client.ts';
import { newestAddress } from './run-folders.ts';
import { type ClientSecurityFlags, clientConnection } from './security.ts';
import { pointer, printJson, say } from './talk.ts';

/** Flags of `stop`. */
export interface StopOptions extends ClientSecurityFlags {
  readonly address?: string;
  readonly reason?: string;
  readonly json?: true;
}

const ANSWER_MS = 5000;

/** Asks a coordinator to end its run. Throws  COORDINATOR_UNREACHABLE, ACCESS_DENIED. */
export async function runStop(options: StopOptions): Promise<void> {
  const address = options.address ?? (await newestAddress());
  const question = { address, timeoutMs: ANSWER_MS, ...(await clientConnection(options)) };
  const { run, runFolder, step } = await stopRun(question, options.reason ?? '');
  say(pointer('stopping', `${run} at step ${step}; it is saved in ${runFolder}`));
  if (options.json) printJson({ schema: 'stop/1', run, runFolder, step });
}
