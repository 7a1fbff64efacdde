/** @file `tessera launch host`: the side of a host. What it says goes to the launcher. */

import { runHostSide } from '../../launch/ssh/host-side.ts';
import { failedLine } from '../../launch/ssh/protocol.ts';
import type { WorkerCount } from '../../shared/config/settings.ts';
import { ERROR_CODES, exitCodeOf, TesseraError } from '../../shared/core/errors.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { say } from '../terminal/output.ts';
import { argsOf, RESTARTS, wordsFor } from '../worker/worker.ts';

/** Flags of `launch host`. */
export interface HostOptions {
  readonly workers?: WorkerCount;
  readonly devices?: readonly number[];
}

/** Computes for the launcher until the run is over; returns the exit code, after it has sent the error that it stands for. */
export async function runHost({ workers, devices }: HostOptions): Promise<number> {
  const { stdin, stdout } = process;
  const shutdown = watchShutdown({ announce: say });
  try {
    return await runHostSide({
      ...{ workers, devices, restarts: RESTARTS, signal: shutdown.signal, input: stdin },
      ...wordsFor(say),
      send: (line) => stdout.write(line),
      argsFor: (address, { verbose }) => [
        ...argsOf({ address, ...(verbose && { verbose }) }),
        '--credentials',
      ],
      // Workers end when their stdin closes, which it does with this process.
      abandon: () => process.exit(ERROR_CODES.CANCELLED.exit),
    });
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    stdout.write(failedLine(error));
    return exitCodeOf(error);
  } finally {
    shutdown.dispose();
  }
}
