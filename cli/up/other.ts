/** @file A node of `tessera up` that is not the first: it computes for the run of the first one. */
import { join } from 'node:path';
import { followFirst } from '../../launch/up/follow.ts';
import { keepNodeWorkers } from '../../launch/up/node-workers.ts';
import { DEFAULT_PORT } from '../../launch/up/paths.ts';
import { addressWith } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { watchInterruptions } from '../run/interruptions.ts';
import { withWayOn } from '../run/run-end.ts';
import { say } from '../terminal/output.ts';
import { argsOf, RESTARTS, wordsFor } from '../worker/worker.ts';
import type { StartedNode, UpOptions } from './up.ts';

/** It may take long until a cluster has a place for the first node, or has fetched its image. */
const PATIENCE_MS = 30 * 60_000;

/** Computes until the run is over; returns the exit code. Throws  what ended it badly, INTERRUPTED for a scheduler. */
export async function runOther(options: UpOptions, node: StartedNode): Promise<number> {
  const { place, runFolder, joinFolder } = node;
  const { port = DEFAULT_PORT, reconnect: patienceMs = PATIENCE_MS } = options;
  const ends = watchInterruptions(say, options.timeLimit);
  const certs = joinFolder && join(joinFolder, 'worker');
  try {
    return await followFirst({
      first: addressWith(place.first ?? '', port),
      ...{ joinFolder, runFolder, patienceMs, say, clock: systemClock },
      life: place.life,
      signal: ends.signal,
      work: (address, signal) =>
        keepNodeWorkers({
          args: argsOf({
            address,
            reconnect: patienceMs,
            ...(certs === undefined ? { insecure: true } : { certs }),
            ...(options.verbose && { verbose: true }),
          }),
          ...{ signal, restarts: RESTARTS, token: undefined },
          ...{ workers: options.workers, devices: options.devices },
          ...wordsFor(say),
        }),
    });
  } catch (thrown) {
    throw withWayOn(TesseraError.from(thrown), 'the same line again continues');
  } finally {
    ends.dispose();
  }
}
