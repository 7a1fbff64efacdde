/** @file What ends a run early from outside: signals, the end of a terminal, and its time limit. */
import { marginMs, timeLimit, watchTimeLimit } from '../../launch/time-limit.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';

/** A watch for what ends a run early. */
export interface Interruptions {
  /** Aborts with CANCELLED for a person, with INTERRUPTED for a machine or a time limit. */
  readonly signal: AbortSignal;
  /** The size of the model, once it is known. */
  sized(parameters: number): void;
  /** Measures the saves of the run. */
  readonly observer: RunObserver;
  dispose(): void;
}

/** Watches from now on; `limitMs` is `--time-limit`. Throws  USAGE for a time limit that leaves no time. */
export function watchInterruptions(
  announce: (sentence: string) => void,
  limitMs: number | undefined,
): Interruptions {
  let parameters = 0;
  let longestSeconds: number | undefined;
  let mirrorSeconds = 0;
  const shutdown = watchShutdown({ announce, isRepeatable: true });
  const now = { nowMs: systemClock.nowMs(), wallMs: Date.now() };
  const limit = watchTimeLimit(timeLimit({ limitMs, env: process.env, ...now }), {
    clock: systemClock,
    margin: () => marginMs({ parameters, longestSeconds, mirrorSeconds }),
  });
  limit.signal.addEventListener('abort', () => announce('time limit: shutting down gracefully'));
  return {
    signal: AbortSignal.any([shutdown.signal, limit.signal]),
    sized(numParameters) {
      parameters = numParameters;
    },
    observer: {
      name: 'time limit',
      event: (event) => {
        if (event.type === 'mirrored') mirrorSeconds = Math.max(mirrorSeconds, event.seconds);
        if (event.type !== 'checkpoint') return;
        longestSeconds = Math.max(longestSeconds ?? 0, event.seconds);
      },
    },
    dispose() {
      limit.dispose();
      shutdown.dispose();
    },
  };
}
