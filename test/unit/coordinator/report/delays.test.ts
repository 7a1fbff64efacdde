/** @file The watch over the main thread: while it works on, nothing else comes to run, and that is what is found. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { NO_DELAYS, watchDelays } from '../../../../coordinator/report/delays.ts';

it('finds the longest time that the thread was kept', async () => {
  const watch = watchDelays();
  expect(watch.read()).toEqual(NO_DELAYS);
  while (watch.read() === NO_DELAYS) await sleep(1);
  const untilMs = performance.now() + 60;
  while (performance.now() < untilMs);
  const keptMs = 50;
  while (watch.read().delayMaxMs < keptMs) await sleep(1);
  expect(watch.read().delayUsualMs).toBeLessThanOrEqual(watch.read().delayMaxMs);
  watch.stop();
});
