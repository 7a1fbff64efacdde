import { expect, it } from 'vitest';
import type { CoordinatorMessage } from '../../../../shared/contract/messages.ts';
import { NO_ERROR } from '../../../../shared/core/error-report.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { JOIN, startDriver } from '../../../support/driver-fixture.ts';

it('a worker whose line breaks just before the end is waited for, and told', async () => {
  const { driver } = startDriver();
  const told: CoordinatorMessage[] = [];
  const handle = { send: (message: CoordinatorMessage) => told.push(message), close: () => {} };
  const { session } = driver.join(JOIN, handle);
  driver.sessionClosed(session, 'its connection broke');
  await driver.stop(new TesseraError('CANCELLED', 'stopped by SIGINT'));

  let isOver = false;
  const over = driver.sessions.absent.allBack().then(() => (isOver = true));
  await Promise.resolve();
  expect(isOver).toBe(false);
  expect(() => driver.join(JOIN, handle)).toThrow('the run is over');
  expect(told).toEqual([
    { type: 'finish', code: 'CANCELLED', reason: 'stopped by SIGINT', hint: '' },
  ]);
  await over;
});

it('nobody waits for a worker that said goodbye, or is long gone', async () => {
  let nowMs = 0;
  const clock = {
    nowMs: () => nowMs,
    every: () => () => {},
    sleep: () => new Promise<never>(() => {}),
  };
  const { driver } = startDriver(clock);
  const handle = { send: () => {}, close: () => {} };
  const gone = driver.join({ ...JOIN, instance: 'gone' }, handle);
  driver.sessionClosed(gone.session, 'its connection broke');
  nowMs = 3_000;
  const leaving = driver.join({ ...JOIN, instance: 'leaving' }, handle);
  driver.leave(leaving.worker, NO_ERROR);
  await driver.sessions.absent.allBack();
});

it('one who watches hears of the end, with its code, before the coordinator goes', async () => {
  const { driver } = startDriver();
  expect(driver.status('watcher')).toMatchObject({ code: '' });
  await driver.stop(new TesseraError('CANCELLED', 'stopped by SIGTERM'));
  let isOver = false;
  const over = driver.sessions.watchers.allBack().then(() => (isOver = true));
  driver.status();
  await Promise.resolve();
  expect(isOver).toBe(false);
  expect(driver.status('watcher')).toMatchObject({ phase: 'failed', code: 'CANCELLED' });
  await over;
});
