/** @file When a worker connects again after a lost line: exponential back-off with jitter, within a budget. Pure. */
import { randomUnit } from '../../shared/core/random.ts';
import type { SessionEvent } from './messages.ts';

/** A line that has stood for so long was stable: the next break begins with the shortest pause again. */
const STABLE_MS = 10_000;
/** Pause before the second attempt to connect; it doubles with each, up to the longest. */
const PAUSE_MS = 100;
const PAUSE_MAX_MS = 2_000;

/** The attempts of one worker to connect. */
export class Reconnect {
  readonly #budgetMs: number;
  readonly #seed: number;
  #attempts = 0;
  #lostMs: number | undefined;
  #readyMs: number | undefined;

  /** `seed` makes the pauses differ between workers. */
  constructor(budgetMs: number, seed: number) {
    this.#budgetMs = budgetMs;
    this.#seed = seed;
  }

  /** The first attempt begins. */
  started(nowMs: number): void {
    this.#lostMs = nowMs;
  }

  welcomed(): void {
    this.#lostMs = undefined;
  }

  ready(nowMs: number): void {
    this.#readyMs = nowMs;
  }

  /** The line is lost: returns the pause before the next attempt; undefined once the budget since the loss is used up. */
  lost(nowMs: number): number | undefined {
    this.#lostMs ??= nowMs;
    if (this.#readyMs !== undefined && nowMs - this.#readyMs >= STABLE_MS) this.#attempts = 0;
    this.#readyMs = undefined;
    const leftMs = this.#lostMs + this.#budgetMs - nowMs;
    if (leftMs <= 0) return undefined;
    const longestMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** this.#attempts);
    const jitter = 0.5 + randomUnit(this.#seed, 'jitter', this.#attempts, nowMs) / 2;
    this.#attempts += 1;
    return Math.min(leftMs, longestMs * jitter);
  }
}

/** A coordinator that was interrupted has saved and is to come back: its end is a lost line, not the end of the run. */
export function withReturn(event: SessionEvent): SessionEvent {
  if (event.type !== 'finished' || event.code !== 'INTERRUPTED') return event;
  return { type: 'connectionLost', reason: `${event.reason}; it is to be started again` };
}
