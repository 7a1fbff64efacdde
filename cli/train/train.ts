/** @file `tessera train`: a coordinator in this process and worker processes around it. */
import { driveRun, type RunOptions } from '../run/run.ts';

/** Trains on this machine to the end of the run. Throws  what ended it badly. */
export async function runTrain(options: RunOptions): Promise<void> {
  await driveRun(options, { command: 'train', banner: () => [''] });
}
