/** @file Observers of a run that fail, are slow, or never end, beside one that is well. */
import { expect, it } from 'vitest';
import { deferred } from '../../../../shared/core/async.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import type { RunEvent, TimedEvent } from '../../../../shared/runs/events.ts';
import { Observers, type RunObserver } from '../../../../shared/runs/observer.ts';
import { JOIN, startDriver } from '../../../support/driver-fixture.ts';

/** Observers beside one that notes the steps that it gets, and what the log says of them. */
function beside(others: readonly RunObserver[]) {
  const steps: number[] = [];
  const well: RunObserver = { name: 'well', event: (event) => void steps.push(stepOf(event)) };
  const said: Record<string, unknown>[] = [];
  const log = createLog({
    component: 'test',
    destination: { write: (line) => said.push(JSON.parse(line)) },
  });
  return { observers: new Observers([...others, well], log), steps, said };
}

const emptyStep = (step: number): RunEvent => ({ type: 'emptyStep', step });
const stepOf = (event: TimedEvent) => (event.type === 'emptyStep' ? event.step : -1);

it('one that throws or rejects gets later events, and its failures are said once', async () => {
  const taken: number[] = [];
  const fail = (event: TimedEvent) => {
    taken.push(stepOf(event));
    throw new Error('no');
  };
  const { observers, steps, said } = beside([
    { name: 'throws', event: fail },
    { name: 'rejects', event: async (event) => fail(event) },
    { name: 'cannot close', event: () => {}, close: () => Promise.reject(new Error('no')) },
  ]);
  for (const step of [1, 2, 3]) observers.emit(emptyStep(step));
  await observers.close();
  expect(steps).toEqual([1, 2, 3]);
  expect(taken.toSorted()).toEqual([1, 1, 2, 2, 3, 3]);
  expect(said.map(({ observer }) => observer)).toEqual(['throws', 'rejects', 'cannot close']);
});

it('one that is slow gets its events in their order, so many of them, and the rest is counted', async () => {
  const first = deferred<void>();
  const taken: number[] = [];
  const slow: RunObserver = {
    name: 'slow',
    event(event) {
      taken.push(stepOf(event));
      return taken.length === 1 ? first.promise : Promise.resolve();
    },
  };
  const { observers, steps, said } = beside([slow]);
  for (let step = 1; step <= 5000; step += 1) observers.emit(emptyStep(step));
  expect([taken.length, steps.length]).toEqual([1, 5000]);
  first.resolve();
  await observers.close();
  expect(taken).toEqual(Array.from({ length: 4097 }, (_, at) => at + 1));
  const rest = { observer: 'slow', events: 903 };
  expect(said).toMatchObject([{ observer: 'slow', waiting: 4096 }, rest]);
});

it('one that takes events again after a pause gets them at once', async () => {
  const taken: number[] = [];
  const { observers } = beside([
    { name: 'async', event: async (event) => void taken.push(stepOf(event)) },
  ]);
  observers.emit(emptyStep(1));
  observers.emit(emptyStep(2));
  await expect.poll(() => taken).toEqual([1, 2]);
  observers.emit(emptyStep(3));
  expect(taken).toEqual([1, 2, 3]);
});

it('one that never ends does not hold the end of a run for long', async () => {
  const never = new Promise<void>(() => {});
  const { observers, steps, said } = beside([{ name: 'hangs', event: () => never }]);
  for (const step of [1, 2]) observers.emit(emptyStep(step));
  await observers.close(10);
  expect(steps).toEqual([1, 2]);
  expect(said).toMatchObject([{ err: { code: 'TIMEOUT' } }, { observer: 'hangs', events: 1 }]);
});

it('that fail or hang change nothing for the driver of a run', async () => {
  const events: string[] = [];
  const { observers } = beside([
    {
      name: 'throws',
      event() {
        throw new Error('no');
      },
    },
    { name: 'hangs', event: () => new Promise(() => {}) },
    { name: 'well', event: ({ type }) => void events.push(type) },
  ]);
  const { driver } = startDriver(systemClock, { onEvent: observers.emit });
  const session = { send: () => {}, close: () => {} };
  const { worker } = driver.join(JOIN, session);
  driver.ready(worker, {
    modelFingerprint: 'f',
    engine: 'cpu',
    engineId: 'cpu',
    processor: '',
    slots: 1,
  });
  driver.tick();
  expect(events).toEqual(['worker', 'worker', 'phase']);
  expect(driver.status().phase).toBe('training');
});
