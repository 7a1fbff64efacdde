/** @file Which images a command line names. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findImages, pictureNames } from '../../../tools/inference/image-files.ts';

describe('images of a command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-inputs-'));
  mkdirSync(join(folder, 'b'));
  for (const name of ['z.jpg', 'a.PNG', 'notes.txt', 'b/a.webp']) {
    writeFileSync(join(folder, name), name);
  }

  it('of a folder are all below it, in the order of names; other files are left out', async () => {
    const names = (await findImages([folder])).inputs.map(({ name }) =>
      name.slice(folder.length + 1),
    );
    expect(names).toEqual(['a.PNG', 'b/a.webp', 'z.jpg']);
  });

  it('a folder without any is refused', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'tessera-inputs-'));
    await expect(findImages([empty])).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  it('pictures of them have names of their own, in one folder', async () => {
    const { inputs } = await findImages([folder, '-', '../../etc/passwd.jpg']);
    expect(pictureNames(inputs)).toEqual(['a.png', 'a-2.png', 'z.png', 'stdin.png', 'passwd.png']);
  });
});
