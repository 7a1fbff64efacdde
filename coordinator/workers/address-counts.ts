/** @file How often each address did something of late: what limits and logs count callers by. */
import { hostOf } from '../../shared/core/address.ts';
import type { Clock } from '../../shared/core/clock.ts';

/** The window that people reckon with. */
export const MINUTE_MS = 60_000;
/** Addresses that are remembered at a time. */
const ADDRESSES_MAX = 4096;

/** Counts by address, a window of time after the other, in bounded memory. */
export class AddressCounts {
  readonly #windowMs: number;
  readonly #clock: Clock;
  readonly #counts = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  /** Counts one more of a peer's address. */
  add(peer: string): { readonly address: string; readonly count: number } {
    const nowMs = this.#clock.nowMs();
    const address = hostOf(peer);
    const known = this.#counts.get(address);
    const entry =
      known !== undefined && nowMs - known.sinceMs < this.#windowMs
        ? known
        : { count: 0, sinceMs: nowMs };
    entry.count += 1;
    // The oldest goes first, as it stands first.
    this.#counts.delete(address);
    this.#counts.set(address, entry);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > ADDRESSES_MAX && oldest !== undefined) this.#counts.delete(oldest);
    return { address, count: entry.count };
  }
}
