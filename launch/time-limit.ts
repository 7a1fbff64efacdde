/** @file The time that a run is given: it saves and ends before that is over. Pure, but for the watch. */
import type { Clock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { formatSpan } from '../shared/core/units.ts';

/** What ends the time of a run. */
export interface TimeLimit {
  /** By the monotonic clock. */
  readonly atMs: number;
  /** `--time-limit` or `SLURM_JOB_END_TIME`. */
  readonly name: string;
}

/** What is known when the limits are read. */
export interface LimitFacts {
  /** Of `--time-limit`: from the start of the process. */
  readonly limitMs: number | undefined;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Of the monotonic clock, which begins with the process. */
  readonly nowMs: number;
  /** Since 1970. */
  readonly wallMs: number;
}

/** The variable in which Slurm says when it ends a job. Units  seconds since 1970. */
const SLURM_END = 'SLURM_JOB_END_TIME';
/** A job without a limit has an end in a time that does not matter. */
const FAR_MS = 10 * 365 * 86_400_000;

/** Ending the rest takes so long: workers leave, the port is closed. */
const ENDING_MS = 10_000;
/** A save may have begun just then, and another one follows; the third is for a disk that is busy. */
const SAVES = 3;
/** A copy may have begun just then, and the last one follows it. */
const MIRRORS = 2;
/** Until a save was measured: a slow network disk, and four values for each of the model (AdamW, an average). */
const BYTES_PER_MS = 50_000;
const BYTES_PER_PARAMETER = 16;

/** The earliest limit; undefined where there is none. Throws  USAGE for one that leaves no time to train. */
export function timeLimit({ limitMs, env, nowMs, wallMs }: LimitFacts): TimeLimit | undefined {
  const limits: TimeLimit[] = [];
  if (limitMs !== undefined) {
    if (limitMs <= ENDING_MS) {
      throw new TesseraError(
        'USAGE',
        `--time-limit leaves no time to train: ${formatSpan(ENDING_MS)} of it are kept for saving and ending`,
        { hint: 'give a longer one, such as 2h' },
      );
    }
    limits.push({ atMs: limitMs, name: '--time-limit' });
  }
  const leftMs = Number(env[SLURM_END] || Number.NaN) * 1000 - wallMs;
  // A variable of a job that is over was inherited: it says nothing about this process.
  if (leftMs > 0 && leftMs < FAR_MS) limits.push({ atMs: nowMs + leftMs, name: SLURM_END });
  return limits.sort((one, other) => one.atMs - other.atMs)[0];
}

/** What is known of the saves of a run. */
export interface SaveFacts {
  /** Of the model. */
  readonly parameters: number;
  /** The longest save so far; undefined before the first. */
  readonly longestSeconds: number | undefined;
  /** The longest copy of a checkpoint to the mirror; 0 without one. */
  readonly mirrorSeconds?: number;
}

/** How long before its limit a run begins to end. Units  milliseconds. */
export function marginMs({ parameters, longestSeconds, mirrorSeconds = 0 }: SaveFacts): number {
  const guessedMs = (parameters * BYTES_PER_PARAMETER) / BYTES_PER_MS;
  const saveMs = longestSeconds === undefined ? guessedMs : longestSeconds * 1000;
  return ENDING_MS + SAVES * saveMs + MIRRORS * mirrorSeconds * 1000;
}

const LOOK_MS = 500;

/** A watch over the time of a run. */
export interface LimitWatch {
  /** Aborts with INTERRUPTED once it is time to save and end. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/** Watches a limit; `margin` is asked each time. */
export function watchTimeLimit(
  limit: TimeLimit | undefined,
  { clock, margin }: { readonly clock: Clock; readonly margin: () => number },
): LimitWatch {
  const stop = new AbortController();
  if (limit === undefined) return { signal: stop.signal, dispose: () => {} };
  const look = () => {
    const leftMs = limit.atMs - clock.nowMs();
    if (leftMs > margin() || stop.signal.aborted) return;
    const sentence = `stopped ${formatSpan(leftMs)} before its time limit (${limit.name})`;
    stop.abort(new TesseraError('INTERRUPTED', sentence));
  };
  return { signal: stop.signal, dispose: clock.every(LOOK_MS, look) };
}
