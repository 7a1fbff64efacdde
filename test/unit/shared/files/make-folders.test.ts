/** @file Folders are made, or it is said why not: soon. */
import { mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolders } from '../../../../shared/files/make-folders.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-folders-'));

describe('makeFolders', () => {
  it('makes those above too, and answers the topmost that was not there', async () => {
    const top = join(root, 'a');
    expect(await makeFolders(join(top, 'b', 'c'), 0o700)).toBe(top);
    for (const path of [top, join(top, 'b'), join(top, 'b', 'c')]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    expect(await makeFolders(join(top, 'b', 'd'))).toBe(join(top, 'b', 'd'));
  });

  it('takes a folder that is there, and a link to one', async () => {
    symlinkSync(root, join(root, 'link'));
    expect(await makeFolders(root)).toBeUndefined();
    expect(await makeFolders(join(root, 'link'))).toBeUndefined();
  });

  it('makes one of a name once, whoever asks at the same time', async () => {
    const paths = ['x', 'y', 'z'].map((name) => join(root, 'shared', 'deep', name));
    await Promise.all(paths.map((path) => makeFolders(path)));
    for (const path of paths) expect(statSync(path).isDirectory()).toBe(true);
  });

  it('refuses what is in the way', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'));
    await expect(makeFolders(file)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(root, 'dangling'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it.skipIf(process.platform !== 'linux')(
    'refuses a folder that takes no other (Node alone tries for ever)',
    async () => {
      await expect(makeFolders('/proc/tessera/run')).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});
