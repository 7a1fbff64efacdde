/** @file The error of a worker that is the run's: it ends the run, and every other worker is told it, with its hint. */

import { expect, it } from 'vitest';
import type { CoordinatorMessage } from '../../../shared/contract/messages.ts';
import { DIVERGED_HINT } from '../../../shared/core/divergence.ts';
import { type ErrorReport, NO_ERROR } from '../../../shared/core/error-report.ts';
import { JOIN, startDriver } from '../../support/driver-fixture.ts';

const DIVERGED = { code: 'NON_FINITE', reason: 'the loss is NaN at step 1', hint: 'do this' };

/** Three workers at work, two of which leave with an error; answers what the third is told. */
function told(error: ErrorReport): CoordinatorMessage[] {
  const { driver } = startDriver();
  const heard: CoordinatorMessage[] = [];
  const names = ['a', 'b', 'c'];
  for (const name of names) {
    const send = (message: CoordinatorMessage) => name === 'c' && heard.push(message);
    driver.join({ ...JOIN, name, instance: name }, { send, close: () => {} });
    driver.ready(name, {
      modelFingerprint: 'f',
      engine: 'e',
      engineId: 'e',
      processor: '',
      slots: 1,
    });
  }
  driver.tick();
  driver.leave('a', error);
  driver.leave('b', error);
  return heard.filter(({ type }) => type === 'finish');
}

it('the same error of two workers is told to the others, with its hint', () => {
  expect(told(DIVERGED)).toEqual([{ type: 'finish', ...DIVERGED }]);
  // As of an older worker.
  expect(told({ ...DIVERGED, hint: '' })).toMatchObject([{ hint: DIVERGED_HINT }]);
});

it.each(['ENGINE_UNAVAILABLE', 'OF_ANOTHER_VERSION'])(
  '%s is about a machine or a program, and the run goes on',
  (code) => {
    expect(told({ ...DIVERGED, code })).toEqual([]);
  },
);

it('a worker that says goodbye is not counted', () => {
  expect(told(NO_ERROR)).toEqual([]);
});
