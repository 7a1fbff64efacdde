/** @file `tessera worker`: one process that computes for a run. */
import type { EngineRequest } from '../../shared/compute/engines/options.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { createLog } from '../../shared/machine/log.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { startWorker } from '../../worker/start.ts';
import { type ClientSecurityFlags, clientConnection } from '../connect/credentials.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { say } from '../terminal/output.ts';

/** Flags of `worker`. */
export interface WorkerOptions extends ClientSecurityFlags, Partial<EngineRequest> {
  readonly address: string;
  readonly name?: string;
  readonly dataPath?: string;
  /** Milliseconds. */
  readonly reconnect?: number;
  readonly verbose?: true;
}

/** Computes for the run at `address` until it is over, or SIGTERM. Throws  what ended it badly, CANCELLED after Ctrl-C. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  // Before anything else reads stdin: a token may come by it.
  const connection = await clientConnection(options);
  const shutdown = watchShutdown({ announce: say });
  const { engine, provider, threads, devices, dataPath } = options;
  try {
    await startWorker({
      address: options.address,
      name: options.name ?? '',
      choice: {
        ...(threads !== undefined && { threads }),
        ...(engine !== undefined && { engine }),
        ...(provider !== undefined && { provider }),
        ...(devices !== undefined && { devices }),
        ...(dataPath !== undefined && { dataPath }),
      },
      ...(options.reconnect !== undefined && { reconnectMs: options.reconnect }),
      log: createLog({
        component: 'worker',
        level: options.verbose ? 'debug' : 'info',
        // Files and pipes get JSON, people get words.
        ...(process.stderr.isTTY && { destination: { write: sayLogLine } }),
      }),
      ...connection,
      signal: shutdown.signal,
    });
    // SIGTERM is how a machine asks a worker to go, and going well is success; Ctrl-C is a person breaking off.
    if (signalIn(shutdown.signal) === 'SIGINT') throw shutdown.signal.reason;
  } finally {
    shutdown.dispose();
  }
}

function signalIn({ aborted, reason }: AbortSignal): unknown {
  return aborted && reason instanceof TesseraError ? reason.details['signal'] : undefined;
}

function sayLogLine(line: string): void {
  say(readableLogLine(line));
}
