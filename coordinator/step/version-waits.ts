/** @file Pulls that have come before their version: each continues once it is made, so that no round trip follows. */
import type { Clock } from '../../shared/core/clock.ts';

/** A pull that waits. */
interface Wait {
  readonly version: number;
  readonly over: AbortController;
}

/** The waits of all workers. Bound: one for each of them. */
export class VersionWaits {
  readonly #clock: Clock;
  readonly #waits = new Map<string, Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits for a version, for so long at most; a worker that waits already does not wait twice. */
  async until(worker: string, version: number, waitMs: number): Promise<void> {
    if (this.#waits.has(worker)) return;
    const over = new AbortController();
    this.#waits.set(worker, { version, over });
    await this.#clock.sleep(waitMs, over.signal).catch(() => {});
    this.#waits.delete(worker);
  }

  /** A version is there. */
  reached(version: number): void {
    for (const wait of this.#waits.values()) if (wait.version <= version) wait.over.abort();
  }

  /** No version follows. */
  close(): void {
    for (const { over } of this.#waits.values()) over.abort();
  }
}
