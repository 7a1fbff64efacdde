import { expect, it } from 'vitest';
import { reportOf } from '../../../../shared/core/error-report.ts';
import {
  ERROR_CODES,
  isErrorCode,
  isPermanent,
  TesseraError,
} from '../../../../shared/core/errors.ts';

it('only codes of the table are permanent', () => {
  expect(Object.keys(ERROR_CODES).every(isErrorCode)).toBe(true);
  expect(isErrorCode('LEASE_EXPIRED')).toBe(false);
  expect(['NON_FINITE', 'CONFIG_INVALID', 'ENGINE_UNAVAILABLE'].every(isPermanent)).toBe(true);
  expect(['TIMEOUT', 'STEP_STALE', '', 'OF_ANOTHER_VERSION', 'toString'].some(isPermanent)).toBe(
    false,
  );
});

it('an error is told with its hint, or with none', () => {
  const hint = 'lower the learning rate';
  const told = { code: 'NON_FINITE', reason: 'the loss is NaN', hint };
  expect(reportOf(new TesseraError('NON_FINITE', 'the loss is NaN', { hint }))).toEqual(told);
  expect(reportOf(new TesseraError('INTERNAL', 'x'))).toMatchObject({ hint: '' });
});
