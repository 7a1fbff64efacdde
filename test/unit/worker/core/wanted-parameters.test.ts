/** @file Which parameters a node is computed with: those of its version, rounded or averaged as the run says. */
import { describe, expect, it } from 'vitest';
import { isInPlace, parametersFor, pullOf } from '../../../../worker/core/wanted-parameters.ts';

const ROUNDED = { version: 4, valueType: 'bf16' } as const;

describe('the parameters of a node', () => {
  it('are rounded for training alone; evaluations are of what is saved', () => {
    const choice = { trainsOn: 'bf16', testsAverage: true } as const;
    expect(parametersFor({ kind: 'train', version: 4 }, choice)).toEqual(ROUNDED);
    for (const kind of ['validate', 'test'] as const) {
      expect(parametersFor({ kind, version: 4 }, choice)).toEqual({ version: 4, average: true });
    }
  });

  it('are in place only when version, average and rounding are those', () => {
    expect(isInPlace({ version: 4 }, undefined)).toBe(false);
    expect(isInPlace({ version: 4 }, { version: 4, average: false, valueType: 'f32' })).toBe(true);
    expect(isInPlace({ version: 4 }, ROUNDED)).toBe(false);
    expect(isInPlace(ROUNDED, { version: 4 })).toBe(false);
    expect(isInPlace(ROUNDED, { ...ROUNDED, version: 3 })).toBe(false);
    expect(isInPlace({ version: 4, average: true }, { version: 4 })).toBe(false);
  });

  it('come rounded, except along with those that never change, which evaluations have too', () => {
    const all = { range: { ...ROUNDED, first: 0 }, isRoundedHere: false };
    expect(pullOf(ROUNDED, { frozen: 0, hasFrozen: false })).toEqual(all);
    const first = { range: { version: 4, first: 0 }, isRoundedHere: true };
    expect(pullOf(ROUNDED, { frozen: 7, hasFrozen: false })).toEqual(first);
    const later = { range: { ...ROUNDED, first: 7 }, isRoundedHere: false };
    expect(pullOf(ROUNDED, { frozen: 7, hasFrozen: true })).toEqual(later);
    const exact = { range: { version: 4, first: 0 }, isRoundedHere: false };
    expect(pullOf({ version: 4 }, { frozen: 7, hasFrozen: false })).toEqual(exact);
  });
});
