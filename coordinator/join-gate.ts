/** @file How many joins a minute one address may try: a worker that starts and dies in a loop harms nobody else. */
import type { Clock } from '../shared/core/clock.ts';
import { TesseraError } from '../shared/core/errors.ts';

const MINUTE_MS = 60_000;
/** Addresses that are remembered at a time. */
const ADDRESSES_MAX = 4096;

/** Counts joins by address, a minute at a time. */
export class JoinGate {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #tries = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Lets a join pass. Throws  RATE_LIMITED when its address has tried too often. */
  pass(peer: string): void {
    const nowMs = this.#clock.nowMs();
    const address = peer.slice(0, peer.lastIndexOf(':'));
    const known = this.#tries.get(address);
    const tries =
      known !== undefined && nowMs - known.sinceMs < MINUTE_MS
        ? known
        : { count: 0, sinceMs: nowMs };
    tries.count += 1;
    // The oldest goes first, as it stands first.
    this.#tries.delete(address);
    this.#tries.set(address, tries);
    const [oldest] = this.#tries.keys();
    if (this.#tries.size > ADDRESSES_MAX && oldest !== undefined) this.#tries.delete(oldest);
    if (tries.count <= this.#perMinute) return;
    throw new TesseraError(
      'RATE_LIMITED',
      `more than ${this.#perMinute} joins a minute from ${address}`,
      {
        hint: 'look into the logs of the workers there for why they come and go, or raise limits.joinsPerMinute',
      },
    );
  }
}
