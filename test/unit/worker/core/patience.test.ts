import { expect, it } from 'vitest';
import { Patience } from '../../../../worker/core/patience.ts';

const ERROR = { code: 'TIMEOUT', reason: 'too slow', hint: '' };

it('ends what has failed for as long as its budget, without a success', () => {
  const patience = new Patience(5_000);
  expect(patience.failed(ERROR, 1_000)).toBe(false);
  expect(patience.failed(ERROR, 5_999)).toBe(false);
  expect(patience.error).toEqual(ERROR);
  expect(patience.failed(ERROR, 6_000)).toBe(true);
});

it('begins anew after a success, and when nothing was tried for a while', () => {
  const patience = new Patience(5_000);
  patience.failed(ERROR, 0);
  patience.succeeded();
  expect(patience.error).toBeUndefined();
  expect(patience.failed(ERROR, 6_000)).toBe(false);
  patience.began(60_000);
  expect(patience.failed(ERROR, 60_001)).toBe(false);
  // What takes long is one attempt after the other all the same.
  patience.began(61_000);
  expect(patience.failed(ERROR, 200_000)).toBe(true);
});
