/**
 * @file Whether the holder of a lock is gone where no table of processes says so: by the lock's age, and by watching it.
 *
 * A clock that was set, or a machine that slept, makes a lock look old or young; only a holder that lives touches it.
 */
import type { FoundLock } from './disk.ts';
import { holderWords, type JudgedLock, judgeLock } from './file.ts';
import { inUse, type LockParts } from './parts.ts';

/** A lock as it was seen. */
export interface SeenLock {
  readonly path: string;
  readonly found: FoundLock;
  readonly judged: JudgedLock;
  /** By the disk's clock. */
  readonly nowMs: number;
}

/** How a lock is waited for. */
export interface Waiting {
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the holder of the lock, and the maximum wait. */
  readonly onWait?: (sentence: string) => void;
}

/** A holder that misses this many touches is gone. */
const TOUCHES_MISSED = 1.5;

/**
 * Whether a lock's holder is gone; false when the lock has changed hands or has gone meanwhile. Without `waiting` its age is
 * believed.
 *
 * Throws  RUN_IN_USE when its holder lives; the reason of the signal.
 */
export async function isOutlived(
  seen: SeenLock,
  parts: LockParts,
  waiting: Waiting | undefined,
): Promise<boolean> {
  const { path, found, judged, nowMs } = seen;
  if (judged.standing === 'held') throw inUse(path, judged);
  if (judged.standing !== 'unsure') return true;
  const ageMs = nowMs - found.touchedMs;
  const isHalf = judged.holder === undefined;
  const spanMs = isHalf ? parts.times.halfMs : parts.times.staleMs;
  if (waiting === undefined) {
    if (ageMs < spanMs) throw inUse(path, judged, secondsAgo(ageMs));
    return true;
  }
  const leftMs = timeLeft(ageMs, spanMs, isHalf ? 0 : parts.times.touchMs);
  if (leftMs > 0 && !isHalf) waiting.onWait?.(waitingWords(seen, leftMs));
  return leftMs === 0 || (await isUntouched(seen, leftMs, { ...parts, ...waiting }));
}

/** How long a lock is watched: until it would be stale, and for a touch or so in any case. */
function timeLeft(ageMs: number, spanMs: number, touchMs: number): number {
  // A time in the future means that a clock was set back; it is not an age.
  const left = ageMs < 0 ? spanMs : Math.max(0, spanMs - ageMs);
  return Math.max(left, Math.min(spanMs, TOUCHES_MISSED * touchMs));
}

/** Watches a lock; false when it has changed hands or has gone. Throws  RUN_IN_USE when it is touched. */
async function isUntouched(
  { path, found }: SeenLock,
  forMs: number,
  { disk, clock, processes, times, signal }: LockParts & Waiting,
): Promise<boolean> {
  const sinceMs = clock.nowMs();
  for (;;) {
    // Asked before the look: a process that slept looks once more, and so does a holder that slept beside it.
    const isOver = clock.nowMs() - sinceMs >= forMs;
    const now = await disk.read(path);
    if (now?.text !== found.text) return false;
    if (now.touchedMs !== found.touchedMs) throw inUse(path, judgeLock(now, processes), 'just now');
    if (isOver) return true;
    await clock.sleep(Math.min(times.lookMs, forMs), signal);
  }
}

function waitingWords({ path, found, judged, nowMs }: SeenLock, leftMs: number): string {
  const who = holderWords(judged, secondsAgo(nowMs - found.touchedMs));
  return `${path} is held by ${who}: waiting up to ${Math.ceil(leftMs / 1000)} s to see whether that process lives`;
}

function secondsAgo(ageMs: number): string {
  return ageMs < 0 ? 'in the time to come, by its disk' : `${Math.round(ageMs / 1000)} s ago`;
}
