/** @file Limits the joins per minute from one address, so that a worker in a crash loop does not harm others. */
import type { Clock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { AddressCounts, MINUTE_MS } from './address-counts.ts';

/** Counts joins by address, a minute at a time. */
export class JoinGate {
  readonly #perMinute: number;
  readonly #tries: AddressCounts;

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#tries = new AddressCounts(MINUTE_MS, clock);
  }

  /** Lets a join pass. Throws  RATE_LIMITED when its address has tried too often. */
  pass(peer: string): void {
    const { address, count } = this.#tries.add(peer);
    if (count <= this.#perMinute) return;
    throw new TesseraError(
      'RATE_LIMITED',
      `more than ${this.#perMinute} joins a minute from ${address}`,
      {
        hint: 'check the logs of those workers for a crash loop, or raise limits.joinsPerMinute',
      },
    );
  }
}
