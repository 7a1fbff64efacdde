/** @file One simulated process: its clock, which may drift, its naps (SIGSTOP) and its death (kill -9). */
import type { Clock } from '../../shared/core/clock.ts';
import type { Timeline } from './timeline.ts';

/** A process. Nothing that it waits for ever comes once it is dead. */
export class Host {
  readonly name: string;
  isAlive = true;
  readonly clock: Clock;
  readonly #timeline: Timeline;
  /** Its milliseconds in one of the world's. */
  readonly #rate: number;
  #frozenUntilMs = 0;

  constructor(name: string, timeline: Timeline, rate = 1) {
    this.name = name;
    this.#timeline = timeline;
    this.#rate = rate;
    this.clock = {
      nowMs: () => timeline.nowMs * rate,
      every: (intervalMs, action) => this.#every(intervalMs, action),
      sleep: (delayMs, signal) => this.#sleep(delayMs, signal),
    };
  }

  /** Runs an action after so much of its own time, unless it is dead by then; a frozen process runs it when it wakes. */
  after(delayMs: number, action: () => void): void {
    this.#timeline.after(delayMs / this.#rate, () => this.run(action));
  }

  /** Runs an action now, or when it wakes. */
  run(action: () => void): void {
    if (!this.isAlive) return;
    const { nowMs } = this.#timeline;
    if (nowMs >= this.#frozenUntilMs) action();
    else this.#timeline.after(this.#frozenUntilMs - nowMs, () => this.run(action));
  }

  /** The process gets no time for a while: neither heartbeats nor answers. */
  freeze(durationMs: number): void {
    this.#frozenUntilMs = this.#timeline.nowMs + durationMs;
  }

  /** Milliseconds of the world since it last slept. */
  get awakeMs(): number {
    return Math.max(0, this.#timeline.nowMs - this.#frozenUntilMs);
  }

  kill(): void {
    this.isAlive = false;
  }

  #every(intervalMs: number, action: () => void): () => void {
    let isStopped = false;
    const again = () => {
      if (isStopped) return;
      action();
      this.after(intervalMs, again);
    };
    this.after(intervalMs, again);
    return () => {
      isStopped = true;
    };
  }

  #sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }
}
