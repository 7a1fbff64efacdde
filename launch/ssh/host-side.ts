/**
 * @file `tessera launch host`, the side of a host: waits for its job on stdin, keeps its workers, and ends with the
 * launcher. Nothing is written to a disk.
 */
import type { Readable } from 'node:stream';
import { deferred } from '../../shared/core/async.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { BoundedLines } from '../../shared/files/lines.ts';
import { credentialsLine } from '../../worker/parent/credentials.ts';
import { keepNodeWorkers, type NodeWorkersOptions, nodeSize } from '../up/node-workers.ts';
import { reach } from '../up/reach.ts';
import { BEAT, type Job, LINE_BYTES_MAX, readJob, readyLine, SILENCE_MS } from './protocol.ts';

/** What a host is started with. */
export interface HostSideOptions extends Omit<NodeWorkersOptions, 'args' | 'token' | 'signal'> {
  /** The launcher's end of it closes with the launcher. */
  readonly input: Readable;
  /** Writes a line to the launcher. */
  readonly send: (line: string) => void;
  /** The arguments of a worker that dials this address. */
  readonly argsFor: (address: string, job: Job) => readonly string[];
  /** Asks the workers to leave. */
  readonly signal: AbortSignal;
  /** Ends this process and so all that it has started: the launcher is gone. */
  readonly abandon: () => void;
  readonly clock?: Clock;
}

/** How often the silence of the launcher is looked at. */
const LOOK_MS = 1_000;

/** Works for the job of a launcher until the run is over; returns the exit code. Throws  what ended it badly. */
export async function runHostSide(options: HostSideOptions): Promise<number> {
  const { clock = systemClock, argsFor, send } = options;
  const launcher = listen(options, clock);
  try {
    const { count } = await nodeSize(options);
    send(readyLine({ node: process.version, workers: count }));
    const job = readJob(await Promise.race([launcher.job, aborted(options.signal)]));
    const address = await firstReached(job.addresses);
    return await keepNodeWorkers({
      ...options,
      args: argsFor(address, job),
      token: credentialsLine(job),
    });
  } finally {
    launcher.dispose();
  }
}

/** Reads the launcher's lines; abandons all once it is gone or silent. */
function listen({ input, abandon }: HostSideOptions, clock: Clock) {
  const job = deferred<string>();
  const lines = new BoundedLines(LINE_BYTES_MAX);
  let lineMs = clock.nowMs();
  let lookedMs = lineMs;
  const take = (piece: Buffer) => {
    lineMs = clock.nowMs();
    for (const line of lines.add(piece)) {
      if (line !== BEAT) job.resolve(line ?? '');
    }
  };
  const stopLooking = clock.every(LOOK_MS, () => {
    const nowMs = clock.nowMs();
    // A machine that slept, or a process that was stopped, first reads what came meanwhile.
    if (nowMs - lookedMs > SILENCE_MS / 4) lineMs = nowMs;
    lookedMs = nowMs;
    if (nowMs - lineMs > SILENCE_MS) abandon();
  });
  input.on('data', take).once('end', abandon).once('error', abandon).resume();
  return {
    job: job.promise,
    dispose() {
      stopLooking();
      // An open stdin would keep the process alive.
      input.off('data', take).off('end', abandon).off('error', abandon).destroy();
    },
  };
}

/** The first of some addresses at which something listens. Throws  COORDINATOR_UNREACHABLE, with what each came to. */
async function firstReached(addresses: readonly string[]): Promise<string> {
  const reasons = await Promise.all(addresses.map(reach));
  const found = addresses.find((_, at) => reasons[at] === undefined);
  if (found !== undefined) return found;
  const tried = addresses.map((address, at) => `${address}: ${reasons[at]}`).join('; ');
  throw new TesseraError('COORDINATOR_UNREACHABLE', `it cannot reach the coordinator (${tried})`, {
    hint: 'give --address with a name or an address by which this host reaches the launcher, and open --port in its firewall',
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
