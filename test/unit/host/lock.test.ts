import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { holderOf, takeLock } from '../../../shared/host/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
const DEAD = JSON.stringify({ id: 'a', host: hostname(), pid: process.pid, started: '1' });
let numLocks = 0;
function newPath(): string {
  numLocks += 1;
  return join(folder, `lock-${numLocks}`);
}

/** Makes a file that old. */
function grow(path: string, ageMs: number): void {
  const then = new Date(Date.now() - ageMs);
  utimesSync(path, then, then);
}

it('is held once, and free again when it is released', async () => {
  const path = newPath();
  const lock = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({
    code: 'RUN_IN_USE',
    sentence: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  });
  await lock.release();
  expect(existsSync(path)).toBe(false);
  await (await takeLock(path)).release();
});

it('of a process that died is taken over', async () => {
  const path = newPath();
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(path, JSON.stringify({ id: 'a', host: hostname(), pid, started: '1' }));
  const lock = await takeLock(path);
  expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
  await lock.release();
});

it('of a process whose number another has now is taken over', async () => {
  const path = newPath();
  writeFileSync(path, DEAD);
  await (await takeLock(path)).release();
});

it.each(['null', '{}', '[]'])('that holds %s has no holder', async (text) => {
  const path = newPath();
  writeFileSync(path, text);
  expect(await holderOf(path)).toBeUndefined();
});

it('that was half written is taken over once nobody can be writing it', async () => {
  const path = newPath();
  writeFileSync(path, '{"id":');
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'RUN_IN_USE' });
  grow(path, 3_000);
  await (await takeLock(path)).release();
});

it('with an id that is a path names no file by it', async () => {
  const path = newPath();
  const id = '/../../escaped';
  writeFileSync(path, JSON.stringify({ id, host: hostname(), pid: process.pid, started: '1' }));
  grow(path, 3_000);
  await (await takeLock(path)).release();
  expect(readdirSync(folder).filter((name) => name.includes('escaped'))).toEqual([]);
});

it('of another host counts while it is touched', async () => {
  const path = newPath();
  writeFileSync(path, JSON.stringify({ id: 'a', host: 'elsewhere.invalid', pid: 1, started: '' }));
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'RUN_IN_USE' });
  expect(await holderOf(path)).toMatchObject({ host: 'elsewhere.invalid' });
  grow(path, 31_000);
  await (await takeLock(path)).release();
});

it.each(['free', 'half written', 'stale'])(
  'is never held twice, and by one, when several take a %s one at once',
  async (was) => {
    for (let round = 0; round < 50; round += 1) {
      const path = newPath();
      if (was !== 'free') writeFileSync(path, was === 'stale' ? DEAD : '');
      if (was !== 'free') grow(path, 3_000);
      const taken = await Promise.allSettled(Array.from({ length: 4 }, () => takeLock(path)));
      const held = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(held).toHaveLength(1);
      await held[0]?.release();
    }
  },
);

it('is taken by one of many who want it at a time', async () => {
  const path = newPath();
  writeFileSync(path, '');
  grow(path, 3_000);
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('leaves nothing beside itself', async () => {
  const path = newPath();
  writeFileSync(path, DEAD);
  const lock = await takeLock(path);
  await takeLock(path).catch(() => {});
  expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toEqual([
    basename(path),
  ]);
  await lock.release();
});
