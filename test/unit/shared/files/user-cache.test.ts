/** @file Where the cache of a user is, also of one without a home. */
import { expect, it } from 'vitest';
import { userCache, userHome } from '../../../../shared/files/user-cache.ts';

it('is below the home, unless XDG says another absolute path', () => {
  expect(userCache({ HOME: '/home/me' })).toBe('/home/me/.cache/tessera');
  expect(userCache({ HOME: '/home/me', XDG_CACHE_HOME: '/cache' })).toBe('/cache/tessera');
  expect(userCache({ HOME: '/home/me', XDG_CACHE_HOME: 'cache' })).toBe('/home/me/.cache/tessera');
});

it('is in the current folder for a user without a home', () => {
  // What Node throws for a number that no account has, as pods run with.
  const noHome = () => {
    throw new Error('A system error occurred: uv_os_homedir returned ENOENT');
  };
  expect(userHome({}, noHome)).toBe('.');
  expect(userCache({ HOME: '' }, noHome)).toBe('.cache/tessera');
});
