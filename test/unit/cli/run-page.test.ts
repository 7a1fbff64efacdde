/** @file Which runs have a live page without being asked, and which are refused before anything begins. */
import { expect, it } from 'vitest';
import { type PageFlags, RunPage } from '../../../cli/run/page.ts';
import { TesseraError } from '../../../shared/core/errors.ts';

const pageOf = (flags: PageFlags) => new RunPage(flags, () => {});

it.each([
  ['nothing is said', {}, true],
  ['it is off', { page: false }, false],
  ['the run asks for credentials', { certs: 'certs/coordinator' }, false],
  ['it is asked for beside them', { certs: 'certs/coordinator', page: '127.0.0.1:0' }, true],
] as const)('a run has a page, or none, where %s', (_, flags, isServed) => {
  const page = pageOf(flags);
  expect(() => page.check()).not.toThrow();
  expect(page.observers.map(({ name }) => name)).toEqual(isServed ? ['page'] : []);
});

it('an address that others reach needs TLS, or a word', () => {
  const elsewhere = { page: '0.0.0.0:8443' };
  expect(() => pageOf(elsewhere).check()).toThrow(TesseraError);
  for (const more of [{ certs: 'certs/coordinator' }, { insecure: true }]) {
    expect(() => pageOf({ ...elsewhere, ...more }).check()).not.toThrow();
  }
});
