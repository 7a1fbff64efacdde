/** @file Paths as people type them. */
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { nearPath } from '../../../../shared/files/near-path.ts';

it.each([
  ['below the folder', '/work/a/b', 'a/b'],
  ['the folder itself', '/work', '/work'],
  ['above it', '/other', '/other'],
  ['beside it, with a name that begins alike', '/works/a', '/works/a'],
  ['below it, with a name of two dots and more', '/work/..kept/a', '..kept/a'],
])('%s', (_what, path, near) => expect(nearPath(path, '/work')).toBe(near));

it('is seen from the current folder, and stays as it is where there is none', () => {
  expect(nearPath(resolve('photos/a'))).toBe('photos/a');
  expect(nearPath('/work/a', '')).toBe('/work/a');
});
