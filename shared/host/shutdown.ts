/** @file Ctrl-C: the first one is graceful and says so, the second one is now. */
import { ERROR_EXIT_CODES, TesseraError } from '../core/errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What a shutdown does to the outside; the defaults are the process's own. */
export interface ShutdownSettings {
  /** Tells the user that the end has begun. */
  readonly announce: (sentence: string) => void;
  readonly exit?: (code: number) => void;
}

/** A wish to stop, watched for. */
export interface ShutdownWatch {
  /** Aborts with CANCELLED at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever had them. */
  dispose(): void;
}

/** Watches for Ctrl-C and SIGTERM. */
export function watchShutdown({ announce, exit = process.exit }: ShutdownSettings): ShutdownWatch {
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) return exit(ERROR_EXIT_CODES.CANCELLED);
    announce(`${name}: stopping after what cannot wait; once more to stop at once`);
    stop.abort(new TesseraError('CANCELLED', `stopped by ${name}`, { details: { signal: name } }));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: stop.signal,
    dispose() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
