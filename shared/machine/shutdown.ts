/**
 * @file What asks a process to stop: Ctrl-C, schedulers' signals, a terminal that closes, a reader that goes. The first is
 * graceful and says so; a person's or a supervisor's second is now.
 */
import { isatty } from 'node:tty';
import { ERROR_CODES, TesseraError } from '../core/errors.ts';

/** Said twice they mean now. */
const REQUESTS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
/** What schedulers send ahead of the end (Slurm, SGE, LSF; the kernel at a limit of CPU time): often more than once. */
export const WARNING_SIGNALS = ['SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const;
const SIGNALS = [...REQUESTS, ...WARNING_SIGNALS];

/** The causes of a shutdown; `EPIPE` means that the reader of the output is gone. */
type StopCause = (typeof SIGNALS)[number] | 'SIGHUP' | 'EPIPE';

/** The message for a cause, if its name is not enough. */
const WORDS: Partial<Record<StopCause, string>> = {
  SIGHUP: 'SIGHUP: the terminal is gone',
  EPIPE: 'the reader of the output is gone',
};

/** What a machine or a scheduler sends: a process that saves is started again after it. */
const INTERRUPTIONS: ReadonlySet<string> = new Set(['SIGTERM', ...WARNING_SIGNALS]);

/** The active watches. */
const watching = new Set<(cause: StopCause) => void>();
let hasHungUp = false;

/** The effects of a shutdown; the defaults are those of the process. */
export interface ShutdownSettings {
  /** Reports the start of the shutdown to the user. */
  readonly announce: (sentence: string) => void;
  readonly exit?: (code: number) => void;
  /** Whether one of the standard streams is a terminal, which can go. */
  readonly hasTerminal?: boolean;
  /** Whether the same line continues what is saved: a scheduler's signal then ends it with INTERRUPTED. */
  readonly isRepeatable?: boolean;
}

/** A watch for what asks the process to stop. */
export interface ShutdownWatch {
  /** Aborts with CANCELLED or INTERRUPTED at the first cause. */
  readonly signal: AbortSignal;
  /** Restores the previous signal handlers. */
  dispose(): void;
}

/**
 * Watches for Ctrl-C, SIGTERM and other signals to stop, the end of the terminal, and `askToStop`.
 *
 * A process without a terminal ignores SIGHUP meanwhile, as `nohup` wants it: Node would have it end the process (20.20).
 */
export function watchShutdown({
  announce,
  exit = process.exit,
  hasTerminal = [0, 1, 2].some(isatty),
  isRepeatable = false,
}: ShutdownSettings): ShutdownWatch {
  const stop = new AbortController();
  let wasAsked = false;
  const codeOf = (cause: StopCause) =>
    isRepeatable && INTERRUPTIONS.has(cause) ? 'INTERRUPTED' : 'CANCELLED';
  const onCause = (cause: StopCause) => {
    hasHungUp ||= cause === 'SIGHUP';
    const isRequest = (REQUESTS as readonly string[]).includes(cause);
    if (!stop.signal.aborted) {
      const words = WORDS[cause];
      const sentence = words === undefined ? `stopped by ${cause}` : `stopped: ${words}`;
      stop.abort(new TesseraError(codeOf(cause), sentence, { details: { signal: cause } }));
      const again = isRequest ? '; repeat it to stop at once' : '';
      announce(`${words ?? cause}: shutting down gracefully${again}`);
    } else if (isRequest && wasAsked) exit(ERROR_CODES[codeOf(cause)].exit);
    wasAsked ||= isRequest;
  };
  const onHangup = hasTerminal ? onCause : () => {};
  for (const name of SIGNALS) process.on(name, onCause);
  process.on('SIGHUP', onHangup);
  watching.add(onCause);
  return {
    signal: stop.signal,
    dispose() {
      for (const name of SIGNALS) process.off(name, onCause);
      process.off('SIGHUP', onHangup);
      watching.delete(onCause);
    },
  };
}

/** Starts the shutdown of all watches, like a signal; returns whether there are any. */
export function askToStop(cause: StopCause): boolean {
  hasHungUp ||= cause === 'SIGHUP';
  for (const onCause of watching) onCause(cause);
  return watching.size > 0;
}

/**
 * Ends the process by SIGHUP if its terminal has gone, as it would have ended without us.
 *
 * Node's own exit would put the terminal's modes back, fail at it, and abort (20.20).
 */
export function endWithTerminal(): void {
  if (hasHungUp) process.kill(process.pid, 'SIGHUP');
}
