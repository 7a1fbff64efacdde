import * as os from 'node:os';
import { expect, it, vi } from 'vitest';
import { userCache, userHome } from '../../../../shared/files/user-cache.ts';

vi.mock('node:os', async (original) => {
  const real = await original<typeof os>();
  return { ...real, homedir: vi.fn(real.homedir) };
});

it('is below the home, unless XDG says another absolute path', () => {
  expect(userCache({ HOME: '/home/me' })).toBe('/home/me/.cache/tessera');
  expect(userCache({ HOME: '/home/me', XDG_CACHE_HOME: '/cache' })).toBe('/cache/tessera');
  expect(userCache({ HOME: '/home/me', XDG_CACHE_HOME: 'cache' })).toBe('/home/me/.cache/tessera');
});

it('is in the current folder for a user without a home', () => {
  // What Node throws for a number that no account has, as pods run with.
  vi.mocked(os.homedir).mockImplementation(() => {
    throw new Error('A system error occurred: uv_os_homedir returned ENOENT');
  });
  expect(userHome({})).toBe('.');
  expect(userCache({ HOME: '' })).toBe('.cache/tessera');
});
