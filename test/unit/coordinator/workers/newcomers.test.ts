import { beforeEach, expect, it } from 'vitest';
import { NO_ERROR } from '../../../../shared/core/error-report.ts';
import { JOIN, startDriver } from '../../../support/driver-fixture.ts';

const BEAT = { assignment: 0, leavesOpen: 0, error: NO_ERROR };

let nowMs = 0;
const clock = { nowMs: () => nowMs, every: () => () => {}, sleep: () => Promise.reject() };
beforeEach(() => {
  nowMs = 0;
});

it('a coordinator that was stopped drops nobody before it has read what came meanwhile', () => {
  const { driver } = startDriver(clock);
  const names = () => driver.status().workers.map(({ worker }) => worker);
  for (const instance of ['a', 'b']) {
    const handle = { send: () => {}, close: () => {} };
    driver.join({ ...JOIN, name: instance, instance }, handle);
  }
  driver.tick();
  nowMs = 60_000;
  driver.tick();
  expect(names()).toEqual(['a', 'b']);
  driver.heartbeat('a', BEAT);
  nowMs += 100;
  driver.tick();
  expect(names()).toEqual(['a']);
});

it('a worker that joins and says nothing more does not hold its place for ever', () => {
  const { driver } = startDriver(clock);
  const closed: string[] = [];
  const join = (instance: string) =>
    driver.join(
      { ...JOIN, name: instance, instance },
      { send: () => {}, close: () => closed.push(instance) },
    );
  join('silent');
  const alive = join('compiling');
  while (nowMs <= 10_000) {
    if (nowMs === 9_000) driver.heartbeat(alive.worker, BEAT);
    nowMs += 100;
    driver.tick();
  }
  expect(closed).toEqual(['silent']);
  expect(driver.status().workers.map(({ worker }) => worker)).toEqual(['compiling']);
});
