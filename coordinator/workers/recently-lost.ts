/** @file Workers and watchers whose connection just broke: a run that ends waits a moment, so that they receive its end. */
import type { Clock } from '../../shared/core/clock.ts';

/** One who lost its line is back within this, or longer away: the longest pause of a worker, and an attempt. */
const RETURN_MS = 3_000;
/** Further ones are not waited for. */
const AWAITED_MAX = 1024;

/** Who lost its line and may be on the way back, by instance. */
export class Absent {
  readonly #clock: Clock;
  readonly #lostMs = new Map<string, number>();
  readonly #allBack = new AbortController();
  #isAwaited = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a worker lost its line. */
  lost(instance: string): void {
    this.#forgetOld();
    if (this.#lostMs.size < AWAITED_MAX) this.#lostMs.set(instance, this.#clock.nowMs());
  }

  /** Notes that it came back. */
  returned(instance: string): void {
    this.#lostMs.delete(instance);
    if (this.#isAwaited && this.#lostMs.size === 0) this.#allBack.abort();
  }

  /** Waits for the workers that are reconnecting, for at most the duration of one attempt. */
  async allBack(): Promise<void> {
    this.#forgetOld();
    if (this.#lostMs.size === 0) return;
    this.#isAwaited = true;
    const untilMs = Math.max(...this.#lostMs.values()) + RETURN_MS;
    await this.#clock.sleep(untilMs - this.#clock.nowMs(), this.#allBack.signal).catch(() => {});
  }

  #forgetOld(): void {
    const oldMs = this.#clock.nowMs() - RETURN_MS;
    for (const [instance, lostMs] of this.#lostMs) {
      if (lostMs <= oldMs) this.#lostMs.delete(instance);
    }
  }
}
