/** @file Time as an argument: code that needs a clock receives one, so that tests and the simulator control it. */

/** A monotonic clock and its timers. */
export interface Clock {
  /** Milliseconds since some fixed moment; never jumps back. */
  nowMs(): number;
  /** Calls `action` every `intervalMs` until the returned function is called; never keeps a process alive. */
  every(intervalMs: number, action: () => void): () => void;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Whether a gap between two of our own ticks means that we were stopped (SIGSTOP, a sleeping machine). Messages that
 * arrived meanwhile are then read before any peer counts as silent.
 */
export function wasSuspended(gapMs: number, silenceMs: number): boolean {
  return gapMs > silenceMs / 4;
}

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  every(intervalMs, action) {
    const timer = setInterval(action, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};
