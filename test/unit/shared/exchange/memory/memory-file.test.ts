/** @file Memory of two processes: what one writes the other reads, and nothing else is opened in its place. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryFile } from '../../../../../shared/exchange/memory/memory-file.ts';

const MODULE = pathToFileURL(resolve('dist/shared/exchange/memory/memory-file.js')).href;
const opened: MemoryFile[] = [];
const kept = (file: MemoryFile | undefined) => {
  expect(file).toBeDefined();
  opened.push(file as MemoryFile);
  return file as MemoryFile;
};
afterEach(() => {
  for (const file of opened.splice(0)) file.close();
});

describe.skipIf(process.platform !== 'linux')('memory of two processes', () => {
  it('has in one what the other has written, at any place', async () => {
    const mine = kept(MemoryFile.create());
    const theirs = kept(MemoryFile.open(mine.place));
    const bytes = Uint8Array.from({ length: 10_001 }, (_, i) => i % 251);
    await mine.write(bytes, 70_000);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    await theirs.read(shared, 70_000);
    expect([...shared]).toEqual([...bytes]);
    await theirs.write(bytes.subarray(0, 3), 0);
    const three = new Uint8Array(3);
    await mine.read(three, 0);
    expect([...three]).toEqual([0, 1, 2]);
  });

  it('is found by another process, and has no name', async () => {
    const mine = kept(MemoryFile.create());
    await mine.write(Buffer.from('abc'), 5);
    const program = `
      const { MemoryFile } = await import(${JSON.stringify(MODULE)});
      const file = MemoryFile.open(${JSON.stringify(mine.place)});
      await file.write(Buffer.from('xyz'), 9);
      const into = Buffer.alloc(3);
      await file.read(into, 5);
      process.stdout.write(into);
    `;
    const args = ['--input-type=module', '-e', program];
    expect(execFileSync(process.execPath, args).toString()).toBe('abc');
    const into = Buffer.alloc(3);
    await mine.read(into, 9);
    expect(into.toString()).toBe('xyz');
    expect(readlinkSync(`/proc/self/fd/${mine.place.fd}`)).toContain('(deleted)');
  });

  it('is not another file of that number, nor one that was closed', () => {
    const fd = openSync(import.meta.filename, 'r');
    const nonce = '00'.repeat(32);
    expect(MemoryFile.open({ pid: process.pid, fd, nonce })).toBeUndefined();
    closeSync(fd);
    const one = kept(MemoryFile.create());
    const other = kept(MemoryFile.create());
    expect(MemoryFile.open({ ...one.place, fd: other.place.fd })).toBeUndefined();
    one.close();
    expect(MemoryFile.open(one.place)).toBeUndefined();
  });

  it('refuses what it does not hold, and calls after it was closed; those under way end', async () => {
    const file = kept(MemoryFile.create());
    const bytes = new Uint8Array(1 << 20).fill(7);
    await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: 'CHUNK_CORRUPT' });
    const writing = file.write(bytes, 0);
    file.close();
    await writing;
    await expect(file.write(bytes, 0)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
