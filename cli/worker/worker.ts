/** @file `tessera worker`: one process that computes for a run. */
import type { EngineChoice } from '../../shared/compute/program.ts';
import { ERROR_CODES, TesseraError } from '../../shared/core/errors.ts';
import { createLog } from '../../shared/machine/log.ts';
import { WARNING_SIGNALS, watchShutdown } from '../../shared/machine/shutdown.ts';
import { tellParent } from '../../worker/last-error.ts';
import { startWorker } from '../../worker/start.ts';
import { type ClientSecurityFlags, clientConnection } from '../connect/credentials.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { say } from '../terminal/output.ts';

/** Flags of `worker`. */
export interface WorkerOptions extends ClientSecurityFlags {
  readonly address: string;
  readonly name?: string;
  readonly threads?: number | 'auto';
  readonly engine?: EngineChoice['name'] | 'auto';
  readonly provider?: EngineChoice['provider'] | 'auto';
  readonly dataPath?: string;
  /** Milliseconds. */
  readonly reconnect?: number;
  readonly parent?: true;
  readonly verbose?: true;
}

/** Computes for the run at `address` until it is over, or SIGTERM. Throws  what ended it badly, CANCELLED after Ctrl-C. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  try {
    await work(options);
  } catch (thrown) {
    // Its parent may know of this worker by nothing else: it need not have joined.
    if (options.parent) tellParent(TesseraError.from(thrown));
    throw thrown;
  }
}

async function work(options: WorkerOptions): Promise<void> {
  // Before anybody listens to stdin: a token may come by it.
  const connection = await clientConnection(options);
  const shutdown = options.parent ? obeyParent() : watchShutdown({ announce: say });
  const { engine, provider, threads, dataPath } = options;
  try {
    await startWorker({
      address: options.address,
      name: options.name ?? '',
      choice: {
        ...(threads !== undefined && { threads }),
        ...(engine !== undefined && { engine }),
        ...(provider !== undefined && { provider }),
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

/** What a terminal tells all processes that it runs. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const;

function signalIn({ aborted, reason }: AbortSignal): unknown {
  return aborted && reason instanceof TesseraError ? reason.details['signal'] : undefined;
}

function sayLogLine(line: string): void {
  say(readableLogLine(line));
}

/**
 * A worker of `tessera train` ends with it: however the parent goes, its end of our stdin closes.
 *
 * Ctrl-C and Ctrl-\ in a terminal, and its end, reach parent and child alike; the parent decides, so the child does not
 * listen. SIGTERM and schedulers' signals let it go as any worker does: they may be for it alone, and if for all, then
 * nothing is lost by it.
 */
function obeyParent(): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController();
  const ignore = () => {};
  const leave = () => process.exit(ERROR_CODES.CANCELLED.exit);
  const onTerm = () => (stop.signal.aborted ? leave() : stop.abort());
  const onWarning = () => stop.abort();
  const listeners = [
    ...TERMINAL_SIGNALS.map((name) => [name, ignore] as const),
    ...WARNING_SIGNALS.map((name) => [name, onWarning] as const),
    ['SIGTERM', onTerm] as const,
  ];
  for (const [name, listener] of listeners) process.on(name, listener);
  process.stdin.once('end', leave).once('error', leave).resume();
  return {
    signal: stop.signal,
    dispose() {
      for (const [name, listener] of listeners) process.off(name, listener);
      process.stdin.off('end', leave).off('error', leave).destroy();
    },
  };
}
