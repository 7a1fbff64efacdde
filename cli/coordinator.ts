/** @file `tessera coordinator`: a run whose workers join from elsewhere. */
import { driveRun, type RunOptions } from './run.ts';
import { commandLine } from './run-end.ts';
import { pointer } from './talk.ts';

/** Runs a coordinator to the end of its run. Throws  what ended it badly. */
export async function runCoordinator(options: RunOptions): Promise<void> {
  await driveRun(options, {
    command: 'coordinator',
    banner: ({ address }) => [pointer('join with', commandLine(['worker', address])), ''],
  });
}
