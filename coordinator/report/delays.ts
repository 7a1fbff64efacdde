/** @file How long the main thread does not come to anything else: heartbeats wait for as long. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Between two looks: each costs some microseconds. */
const LOOK_MS = 4;

/** What the looks have found since they began. Units  milliseconds. */
export interface Delays {
  readonly delayMaxMs: number;
  /** 99 of 100 are below. */
  readonly delayUsualMs: number;
}

/** Where there is no watch. */
export const NO_DELAYS: Delays = { delayMaxMs: 0, delayUsualMs: 0 };

/** Looks from now on, until it is stopped. */
export function watchDelays(): { readonly read: () => Delays; readonly stop: () => void } {
  const looks = monitorEventLoopDelay({ resolution: LOOK_MS });
  looks.enable();
  // A look counts from the one before it.
  const delayOf = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - LOOK_MS);
  return {
    read() {
      if (looks.count === 0) return NO_DELAYS;
      return { delayMaxMs: delayOf(looks.max), delayUsualMs: delayOf(looks.percentile(99)) };
    },
    stop: () => void looks.disable(),
  };
}
