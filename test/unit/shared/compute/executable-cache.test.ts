/** @file Compiled programs on the disk: whole or not at all, bounded, used by several processes at a time. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachedExecutables, ExecutableCache } from '../../../../shared/compute/executable-cache.ts';
import type { ExecutableKey } from '../../../../shared/compute/executables.ts';

const scratchFolder = () => mkdtempSync(join(tmpdir(), 'tessera-cache-'));

const keyOf = (letter: string): ExecutableKey => ({ digest: letter.repeat(64), title: 'training' });
const A = keyOf('a');
const BYTES = Uint8Array.from({ length: 3000 }, (_, place) => place * 5);

/** A cache with what it notes. */
function cacheAt(folder: string, bytesMax?: number) {
  const notes: string[] = [];
  const note = (_: unknown, sentence: string) => void notes.push(sentence);
  return { cache: new ExecutableCache(folder, { note, ...(bytesMax && { bytesMax }) }), notes };
}

describe('the cache of executables', () => {
  it('has what was written, also for the next process', async () => {
    const folder = join(scratchFolder(), 'executables');
    const { cache } = cacheAt(folder);
    expect(await cache.read(A.digest)).toBeUndefined();
    await cache.write(A, BYTES);
    expect(await cacheAt(folder).cache.read(A.digest)).toEqual(BYTES);
    const store = cachedExecutables(cache);
    expect(await store.take(A)).toEqual(BYTES);
    expect(await store.take(keyOf('b'))).toBeUndefined();
    expect(await store.put(keyOf('b'), BYTES)).toBe(BYTES);
    await store.abandon(A);
    expect(await store.take(keyOf('b'))).toEqual(BYTES);
  });

  it.each([
    ['is cut short', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['has a bit that flipped', (bytes: Buffer) => Buffer.from(bytes.with(2000, bytes[2000]! ^ 1))],
    [
      'is of another digest',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('aaa', 'aab'), 'latin1'),
    ],
    ['is empty', () => Buffer.alloc(0)],
    ['is no executable', () => Buffer.from('{"a": 1}\nhello')],
  ])('has nothing where a file %s, and says so', async (_, damage) => {
    const folder = scratchFolder();
    const { cache, notes } = cacheAt(folder);
    await cache.write(A, BYTES);
    const path = join(folder, A.digest);
    writeFileSync(path, damage(readFileSync(path)));
    expect(await cache.read(A.digest)).toBeUndefined();
    expect(notes).toHaveLength(1);
    await cache.write(A, BYTES);
    expect(await cache.read(A.digest)).toEqual(BYTES);
  });

  it('removes what was not used for the longest time, and nothing else of the folder', async () => {
    const folder = scratchFolder();
    const { cache } = cacheAt(folder, 10_500);
    writeFileSync(join(folder, 'notes.txt'), 'of a user');
    for (const [age, letter] of [...'abc'].entries()) {
      await cache.write(keyOf(letter), BYTES);
      const then = new Date(Date.now() - (10 - age) * 60_000);
      utimesSync(join(folder, keyOf(letter).digest), then, then);
    }
    // The oldest is used again.
    expect(await cache.read(A.digest)).toEqual(BYTES);
    await cache.write(keyOf('d'), BYTES);
    const left = readdirSync(folder).map((name) => name[0]);
    expect(left.sort()).toEqual(['a', 'c', 'd', 'n']);
    // What does not fit alone is not kept at all.
    await cache.write(keyOf('e'), new Uint8Array(10_501));
    expect(await cache.read(keyOf('e').digest)).toBeUndefined();
    expect(await cache.read(keyOf('d').digest)).toEqual(BYTES);
  });

  it('that cannot be written costs a note', async () => {
    const folder = join(scratchFolder(), 'file');
    writeFileSync(folder, '');
    const { cache, notes } = cacheAt(join(folder, 'executables'));
    await cache.write(A, BYTES);
    expect(notes).toHaveLength(1);
    expect(statSync(folder).isFile()).toBe(true);
  });

  it('is used by two at a time, of which each sees whole files', async () => {
    const folder = scratchFolder();
    const use = async (value: number) => {
      const { cache, notes } = cacheAt(folder, 8000);
      for (let round = 0; round < 20; round += 1) {
        const key = keyOf('abc'[round % 3]!);
        await cache.write(key, new Uint8Array(3000).fill(value));
        const read = await cache.read(key.digest);
        expect(read?.every((byte) => byte === read[0]) ?? true).toBe(true);
      }
      return notes;
    };
    const notes = await Promise.all([use(7), use(8)]);
    // One may remove what the other is about to read: a miss.
    expect(notes.flat().filter((note) => note.includes('not cached'))).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
