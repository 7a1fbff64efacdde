/** @file What is said of workers that leave and that are lost. */
import { expect, it } from 'vitest';
import { systemClock } from '../../../../shared/core/clock.ts';
import type { RunEvent } from '../../../../shared/runs/events.ts';
import { JOIN, startDriver } from '../../../support/driver-fixture.ts';

it('a worker that leaves, with an error or without, has left; one whose session ends is lost', () => {
  const events: RunEvent[] = [];
  const { driver } = startDriver(systemClock, { onEvent: (event) => events.push(event) });
  const join = (name: string) =>
    driver.join({ ...JOIN, name, instance: name }, { send: () => {}, close: () => {} });
  driver.leave(join('a').worker, { code: '', reason: 'the run is over', hint: '' });
  driver.leave(join('b').worker, { code: 'NON_FINITE', reason: 'a loss of NaN', hint: '' });
  driver.sessionClosed(join('c').session, 'left in a hurry');
  const gone = events.flatMap((event) =>
    event.type === 'worker' && event.what !== 'joined' ? [[event.what, event.reason]] : [],
  );
  expect(gone).toEqual([
    ['left', ''],
    ['left', 'a loss of NaN'],
    ['lost', 'left in a hurry'],
  ]);
});
