/** @file Whether a run is stalled: when that is reported, repeated, and taken back. */
import { wasSuspended } from '../../shared/core/clock.ts';
import type { Task } from './plan.ts';

/** What a run is at, as far as it shows whether anything moves. */
export interface OpenWork {
  /** Undefined when all is done. */
  readonly task: Task | undefined;
  /** Tasks that are left with this version, this one included. */
  readonly tasksLeft: number;
  readonly version: number;
  readonly totalSteps: number;
  /** The driver is at it: the optimizer, a checkpoint, an older version. */
  readonly isAwaited: boolean;
  /** Leaves of the open round; undefined without one. */
  readonly leaves: { readonly all: number; readonly open: number } | undefined;
  /** Workers that must join before a round is opened or continues; 0 when there are enough. */
  readonly missing: number;
}

/** Items that take longer than this many times the one before are late, where nodes kept coming in that one. */
const LATE_FACTOR = 3;
/** It is said again after twice the time, up to this pause. */
const PAUSE_MAX_MS = 3_600_000;

/**
 * Notices that nothing is completed for a stated time.
 *
 * Completed are a step, a checkpoint, a task, and any part of an evaluation: those have as many leaves as a split has. Where
 * single steps take longer than the stated time, and nodes come all the while, the limit is three times the last one's duration.
 */
export class StallWatch {
  readonly #stallMs: number;
  readonly #silenceMs: number;
  #sinceMs: number;
  #tickedMs: number;
  #completed = '';
  #arrived = -1;
  #arrivedMs: number;
  /** Longest time without a node since the last completion. */
  #quietMs = 0;
  #usualMs = 0;
  #sayMs: number | undefined;

  constructor(times: { readonly stallMs: number; readonly silenceMs: number }, nowMs: number) {
    this.#stallMs = times.stallMs;
    this.#silenceMs = times.silenceMs;
    this.#sinceMs = nowMs;
    this.#arrivedMs = nowMs;
    this.#tickedMs = nowMs;
  }

  /** Whether it has been said that nothing is completed, and that is still so. */
  get isStalled(): boolean {
    return this.#sayMs !== undefined;
  }

  /** How long nothing has been completed. */
  stalledMs(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }

  /** Advances the time; returns what to report, if anything. `over` has the duration of the stall. */
  tick(
    work: OpenWork,
    nowMs: number,
  ): { readonly say: 'stalled' | 'over'; readonly afterMs: number } | undefined {
    this.#skipSleep(nowMs);
    const afterMs = this.stalledMs(nowMs);
    const wasStalled = this.isStalled;
    if (this.#isNew(work, nowMs)) return wasStalled ? { say: 'over', afterMs } : undefined;
    if (work.task === undefined || work.task === 'finish') return undefined;
    const dueMs = this.#sayMs ?? this.#firstDueMs;
    if (afterMs < dueMs) return undefined;
    this.#sayMs = afterMs + Math.min(afterMs, PAUSE_MAX_MS);
    return { say: 'stalled', afterMs };
  }

  get #firstDueMs(): number {
    return this.#usualMs < this.#stallMs ? this.#stallMs : LATE_FACTOR * this.#usualMs;
  }

  /** Our own sleep (SIGSTOP, a machine that slept) is not the run's. */
  #skipSleep(nowMs: number): void {
    const gapMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    if (!wasSuspended(gapMs, this.#silenceMs)) return;
    this.#sinceMs += gapMs;
    this.#arrivedMs += gapMs;
  }

  /** Records what has arrived since the last tick; returns whether something was completed. */
  #isNew(work: OpenWork, nowMs: number): boolean {
    const { task, tasksLeft, version, leaves } = work;
    const open = leaves?.open ?? -1;
    if (open !== this.#arrived) {
      this.#quietMs = Math.max(this.#quietMs, nowMs - this.#arrivedMs);
      this.#arrived = open;
      this.#arrivedMs = nowMs;
    }
    const isJudging = task === 'validate' || task === 'test';
    const completed = `${version} ${tasksLeft} ${isJudging ? open : ''}`;
    if (completed === this.#completed) return false;
    const isSteady = Math.max(this.#quietMs, nowMs - this.#arrivedMs) < this.#stallMs;
    if (isSteady) this.#usualMs = nowMs - this.#sinceMs;
    this.#completed = completed;
    this.#sinceMs = nowMs;
    this.#arrivedMs = nowMs;
    this.#quietMs = 0;
    this.#sayMs = undefined;
    return true;
  }
}
