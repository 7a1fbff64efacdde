/** @file Wheels are unpacked side by side into one folder, or refused before anything is written. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readWheel, unpackWheel } from '../../../../tools/engines/wheels/unpack.ts';
import { type ZipPart, zipOf } from '../../../support/archives.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-wheel-'));
afterAll(() => rmSync(root, { recursive: true }));
const signal = new AbortController().signal;

let at = '';
beforeEach(() => {
  at = mkdtempSync(join(root, 'case-'));
  mkdirSync(join(at, 'out'));
});

/** Writes wheels and unpacks them into one folder. */
async function unpacked(...wheels: readonly (Buffer | readonly ZipPart[])[]): Promise<string> {
  const folder = join(at, 'out');
  const there = new Map<string, number>();
  for (const [number, wheel] of wheels.entries()) {
    const path = join(at, `${number}.whl`);
    writeFileSync(path, Buffer.isBuffer(wheel) ? wheel : zipOf(...(wheel as ZipPart[])));
    await unpackWheel(await readWheel(path), { folder, there, signal });
  }
  return folder;
}

const library = Buffer.from('native '.repeat(50_000));
const file = (name: string, content = library): ZipPart => ({ name, content });

describe('wheels', () => {
  it('share folders; Python is left out, the root of a data folder is the root, programs may run', async () => {
    const folder = await unpacked(
      [file('nvidia/cu13/lib/liba.so'), file('nvidia/__init__.py'), file('a.data/platlib/p/a.so')],
      [
        file('nvidia/cu13/lib/libb.so'),
        file('nvidia/__init__.py', Buffer.from('other')),
        file('nvidia/cu13/bin/ptxas'),
      ],
    );
    expect(readdirSync(folder).sort()).toEqual(['nvidia', 'p']);
    expect(readdirSync(join(folder, 'nvidia'))).toEqual(['cu13']);
    expect(readFileSync(join(folder, 'nvidia/cu13/lib/libb.so')).equals(library)).toBe(true);
    expect(statSync(join(folder, 'nvidia/cu13/bin/ptxas')).mode & 0o777).toBe(0o755);
    expect(statSync(join(folder, 'nvidia/cu13/lib/liba.so')).mode & 0o777).toBe(0o644);
  });

  it('may hold the same file, and not two of one name', async () => {
    const other = [file('nvidia/LICENSE', Buffer.from('mine'))];
    const twice = [file('nvidia/LICENSE')];
    await expect(unpacked(twice, twice, other)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('in another wheel too'),
    });
  });

  it('are read without the parts that are not needed', async () => {
    const path = join(at, 'some.whl');
    writeFileSync(path, zipOf(file('keep/a'), file('drop/b')));
    const { files, bytes } = await readWheel(path, (entry) => entry.startsWith('keep/'));
    expect(files.map(({ target }) => target)).toEqual(['keep/a']);
    expect(bytes).toBe(library.length);
  });

  it.each<[string, ZipPart, RegExp]>([
    ['leads out', file('../evil'), /leads out of the folder/],
    ['is absolute', file('/etc/evil'), /absolute path/],
    ['is a link', { ...file('link'), mode: 0o120777 }, /not a plain file/],
    ['is a device', { ...file('null'), mode: 0o020666 }, /not a plain file/],
    ['is encrypted', { ...file('secret'), flags: 1 }, /encrypted/],
  ])('with an entry that %s are refused before anything is written', async (_what, part, words) => {
    await expect(unpacked([file('good.so'), part])).rejects.toThrow(words);
    expect(readdirSync(join(at, 'out'))).toEqual([]);
  });

  it.each<[string, ZipPart, RegExp]>([
    ['has another checksum', { ...file('a.so'), crc32: 1 }, /checksum of a.so is wrong/],
    ['has more bytes', { ...file('a.so'), claims: 10 }, /more bytes than it says/],
    ['has fewer bytes', { ...file('a.so'), claims: library.length + 1 }, /another size/],
    ['is packed in another way', { ...file('a.so'), method: 14 }, /unknown way/],
  ])('with an entry that %s than it says are refused', async (_what, part, words) => {
    await expect(unpacked([part])).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringMatching(words),
    });
  });

  it.each([0, 10, 300])('cut short to %d bytes are refused', async (bytes) => {
    const whole = zipOf(file('a.so'), file('b.so'));
    await expect(unpacked(whole.subarray(0, bytes))).rejects.toMatchObject({
      code: 'DATA_INVALID',
    });
  });

  it('stop when they are asked to', async () => {
    const path = join(at, 'a.whl');
    writeFileSync(path, zipOf(file('a.so')));
    const stopped = AbortSignal.abort(new Error('stop'));
    const wheel = await readWheel(path);
    const options = { folder: join(at, 'out'), there: new Map(), signal: stopped };
    await expect(unpackWheel(wheel, options)).rejects.toThrow('stop');
  });
});
