import { expect, it } from 'vitest';
import { ERROR_EXIT_CODES, TesseraError } from '../../../../shared/core/errors.ts';
import { isPermanent, toldOf, VERDICT_OF_CODE } from '../../../../shared/core/verdict.ts';

it('every code has a verdict, and only those of the table are permanent', () => {
  expect(Object.keys(VERDICT_OF_CODE).sort()).toEqual(Object.keys(ERROR_EXIT_CODES).sort());
  expect(['NON_FINITE', 'CONFIG_INVALID', 'ENGINE_UNAVAILABLE'].every(isPermanent)).toBe(true);
  expect(['TIMEOUT', 'STEP_STALE', '', 'OF_ANOTHER_VERSION', 'toString'].some(isPermanent)).toBe(
    false,
  );
});

it('an error is told with its hint, or with none', () => {
  const hint = 'lower the learning rate';
  const told = { code: 'NON_FINITE', reason: 'the loss is NaN', hint };
  expect(toldOf(new TesseraError('NON_FINITE', 'the loss is NaN', { hint }))).toEqual(told);
  expect(toldOf(new TesseraError('INTERNAL', 'x'))).toMatchObject({ hint: '' });
});
