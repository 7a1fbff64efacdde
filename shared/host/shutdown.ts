/** @file Ctrl-C, a terminal that closes, a reader that goes: the first wish is graceful and says so, the second Ctrl-C is now. */
import { isatty } from 'node:tty';
import { ERROR_EXIT_CODES, TesseraError } from '../core/errors.ts';

/** Said twice they mean now. */
const REQUESTS = ['SIGINT', 'SIGTERM'] as const;

/** What asks a process to stop; `EPIPE` is that nobody reads its output any more. */
type Wish = (typeof REQUESTS)[number] | 'SIGHUP' | 'EPIPE';

const WORDS: Record<Wish, string> = {
  SIGINT: 'SIGINT',
  SIGTERM: 'SIGTERM',
  SIGHUP: 'SIGHUP: the terminal is gone',
  EPIPE: 'nobody reads the output any more',
};

/** Who watches now. */
const watching = new Set<(wish: Wish) => void>();
let hasHungUp = false;

/** What a shutdown does to the outside; the defaults are the process's own. */
export interface ShutdownSettings {
  /** Tells the user that the end has begun. */
  readonly announce: (sentence: string) => void;
  readonly exit?: (code: number) => void;
  /** Whether one of the standard streams is a terminal, which can go. */
  readonly hasTerminal?: boolean;
}

/** A wish to stop, watched for. */
export interface ShutdownWatch {
  /** Aborts with CANCELLED at the first wish. */
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever had them. */
  dispose(): void;
}

/**
 * Watches for Ctrl-C, SIGTERM, the end of the terminal, and `askToStop`.
 *
 * A process without a terminal ignores SIGHUP meanwhile, as `nohup` wants it: Node would have it end the process (20.20).
 */
export function watchShutdown({
  announce,
  exit = process.exit,
  hasTerminal = [0, 1, 2].some(isatty),
}: ShutdownSettings): ShutdownWatch {
  const stop = new AbortController();
  const onWish = (wish: Wish) => {
    hasHungUp ||= wish === 'SIGHUP';
    // A terminal that closes says so more than once, and so does each write without a reader.
    const isRequest = (REQUESTS as readonly Wish[]).includes(wish);
    if (stop.signal.aborted) return isRequest ? exit(ERROR_EXIT_CODES.CANCELLED) : undefined;
    const sentence = isRequest ? `stopped by ${wish}` : `stopped: ${WORDS[wish]}`;
    stop.abort(new TesseraError('CANCELLED', sentence, { details: { signal: wish } }));
    announce(`${WORDS[wish]}: stopping after what cannot wait; once more to stop at once`);
  };
  const onHangup = hasTerminal ? onWish : () => {};
  for (const name of REQUESTS) process.on(name, onWish);
  process.on('SIGHUP', onHangup);
  watching.add(onWish);
  return {
    signal: stop.signal,
    dispose() {
      for (const name of REQUESTS) process.off(name, onWish);
      process.off('SIGHUP', onHangup);
      watching.delete(onWish);
    },
  };
}

/** Lets whoever watches stop in good order, as a signal would; answers whether anybody does. */
export function askToStop(wish: Wish): boolean {
  hasHungUp ||= wish === 'SIGHUP';
  for (const onWish of watching) onWish(wish);
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
