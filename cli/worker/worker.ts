/** @file `tessera worker`: a process that computes for a run, and this one, which keeps it. */
import { type KeptWorkerOptions, keepWorker } from '../../launch/kept-worker.ts';
import type { EngineRequest } from '../../shared/compute/engines/options.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { createLog } from '../../shared/machine/log.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { readToken } from '../../shared/security/tokens.ts';
import type { ClientSecurityFlags } from '../connect/credentials.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { isQuiet } from '../terminal/manners.ts';
import { say } from '../terminal/output.ts';

/** Flags of `worker`. */
export interface WorkerOptions extends ClientSecurityFlags, Partial<EngineRequest> {
  readonly address: string;
  readonly name?: string;
  readonly decoders?: number | 'auto';
  readonly dataPath?: string;
  /** Milliseconds. */
  readonly reconnect?: number;
  readonly restarts?: number;
  readonly verbose?: true;
}

/** As many as `cluster.restarts` has by default. */
export const RESTARTS = 3;

/**
 * Computes for the run at `address` until it is over, or SIGTERM; returns the exit code.
 *
 * Throws  what ended it badly, CANCELLED after Ctrl-C.
 */
export async function runWorker(options: WorkerOptions): Promise<number> {
  const { tokenFile, restarts = RESTARTS, name = '', verbose } = options;
  // Read once: a process that is started again needs it too.
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  const shutdown = watchShutdown({ announce: say });
  const { signal } = shutdown;
  try {
    const code = await keepWorker({
      ...{ name, token, restarts, signal, args: argsOf(options) },
      ...(process.stderr.isTTY || isQuiet() ? wordsFor(say) : recordsFor(process.stderr, verbose)),
    });
    // SIGTERM is how a machine asks a worker to go, and going well is success; Ctrl-C is a person breaking off.
    if (signalIn(signal) === 'SIGINT') throw signal.reason;
    return code;
  } finally {
    shutdown.dispose();
  }
}

/** The arguments of `worker/main.ts`. */
export function argsOf(options: WorkerOptions): readonly string[] {
  const { threads, engine, provider, devices, decoders, dataPath, reconnect, certs, ca } = options;
  const values = {
    ...{ threads, engine, provider, devices, decoders, certs, ca },
    ...{ 'data-path': dataPath, 'reconnect-ms': reconnect },
  };
  return [
    options.address,
    ...Object.entries(values).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}=${value}`],
    ),
    ...(options.tokenFile === undefined ? [] : ['--token']),
    ...(options.insecure ? ['--insecure'] : []),
    ...(options.verbose ? ['--verbose'] : []),
    '--quiet',
  ];
}

/** Files and pipes get the records as they are. */
function recordsFor(
  stderr: NodeJS.WriteStream,
  verbose: true | undefined,
): Pick<KeptWorkerOptions, 'print' | 'warn'> {
  const log = createLog({ component: 'worker', level: verbose ? 'debug' : 'info' });
  return {
    print: (chunk) => {
      stderr.write(chunk);
    },
    warn: (sentence) => log.warn(sentence),
  };
}

/** People get words, a line at a time. */
export function wordsFor(write: (line: string) => void): Pick<KeptWorkerOptions, 'print' | 'warn'> {
  const decoder = new TextDecoder();
  let unfinished = '';
  return {
    print: (chunk) => {
      const lines = (unfinished + decoder.decode(chunk, { stream: true })).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) write(readableLogLine(line));
    },
    warn: (sentence) => write(`⚠ ${sentence}`),
  };
}

function signalIn({ aborted, reason }: AbortSignal): unknown {
  return aborted && reason instanceof TesseraError ? reason.details['signal'] : undefined;
}
