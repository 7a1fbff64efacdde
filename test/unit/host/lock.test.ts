import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { holderOf, takeLock } from '../../../shared/host/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
let numLocks = 0;
function newPath(): string {
  numLocks += 1;
  return join(folder, `lock-${numLocks}`);
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
  writeFileSync(
    path,
    JSON.stringify({ id: 'a', host: hostname(), pid: process.pid, started: '1' }),
  );
  await (await takeLock(path)).release();
});

it.each(['null', '{}', '[]'])('that holds %s has no holder', async (text) => {
  const path = newPath();
  writeFileSync(path, text);
  expect(await holderOf(path)).toBeUndefined();
});

it('that was half written is taken over', async () => {
  const path = newPath();
  writeFileSync(path, '{"id":');
  await (await takeLock(path)).release();
});

it('of another host counts while it is touched', async () => {
  const path = newPath();
  writeFileSync(path, JSON.stringify({ id: 'a', host: 'elsewhere.invalid', pid: 1, started: '' }));
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'RUN_IN_USE' });
  expect(await holderOf(path)).toMatchObject({ host: 'elsewhere.invalid' });
  const longAgo = new Date(Date.now() - 31_000);
  utimesSync(path, longAgo, longAgo);
  await (await takeLock(path)).release();
});

it('is taken by one of many who want it at a time', async () => {
  const path = newPath();
  writeFileSync(path, '');
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
