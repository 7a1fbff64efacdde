import { expect, it } from 'vitest';
import { JOIN, startDriver } from './driver-bench.ts';

it('a worker that joins and says nothing more does not hold its place for ever', () => {
  let nowMs = 0;
  const { driver } = startDriver({
    nowMs: () => nowMs,
    every: () => () => {},
    sleep: () => Promise.reject(),
  });
  const closed: string[] = [];
  const join = (instance: string) =>
    driver.join(
      { ...JOIN, name: instance, instance },
      { send: () => {}, close: () => closed.push(instance) },
    );
  join('silent');
  const alive = join('compiling');
  nowMs = 9_000;
  driver.heartbeat(alive.worker, 0, 0);
  nowMs = 10_001;
  driver.tick();
  expect(closed).toEqual(['silent']);
  expect(driver.status().workers.map(({ worker }) => worker)).toEqual(['compiling']);
});
