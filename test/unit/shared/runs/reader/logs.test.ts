/** @file RUN/logs, written and read: lines of all workers, each once, in the order of time. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { TimedEvent } from '../../../../../shared/runs/events.ts';
import { RunLogs, readCollected } from '../../../../../shared/runs/reader/logs.ts';
import { WorkerLogFile } from '../../../../../shared/runs/worker-log-file.ts';

function runFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-logs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
const time = '2026-01-01T00:00:10.000Z';
const line = (text: string, more: object = {}) =>
  ({
    ...{ type: 'workerLog', time, worker: 'far', host: 'b', level: 'warn', text, ageMs: 0 },
    ...more,
  }) as TimedEvent;
const texts = (lines: readonly { readonly worker: string; readonly text: string }[]) =>
  lines.map(({ worker, text }) => `${worker}: ${text}`);

it('lines that were written are read, at the time when their worker wrote them', async () => {
  const folder = runFolder();
  const file = new WorkerLogFile(folder);
  file.event(line('one', { ageMs: 2_500, level: 'error' }));
  file.event(line('3 lines left out', { leftOut: 3 }));
  file.event({ type: 'emptyStep', time, step: 1 });
  await file.close();
  expect(await readCollected(folder)).toEqual([
    {
      ...{ timeMs: Date.parse('2026-01-01T00:00:07.500Z'), worker: 'far', host: 'b' },
      ...{ level: 50, text: 'one', leftOut: 0 },
    },
    {
      ...{ timeMs: Date.parse(time), worker: 'far', host: 'b' },
      ...{ level: 40, text: '3 lines left out', leftOut: 3 },
    },
  ]);
});

it('the files of a run have a bound, and its newest lines', async () => {
  const folder = runFolder();
  const text = 'x'.repeat(1000);
  const logs = new RunLogs(folder);
  let read = 0;
  for (let round = 0; round < 20; round += 1) {
    const writer = new WorkerLogFile(folder);
    for (let at = 0; at < 900; at += 1) writer.event(line(`${round} ${at} ${text}`));
    await writer.close();
    read += (await logs.read()).length;
  }
  const names = readdirSync(join(folder, 'logs'));
  expect(names.sort()).toEqual(['workers.1.jsonl', 'workers.jsonl']);
  const bytes = names.map((name) => statSync(join(folder, 'logs', name)).size);
  expect(Math.max(...bytes)).toBeLessThan(4 * 1024 ** 2 + 1100 * 900);
  const kept = await readCollected(folder);
  expect(kept.at(-1)?.text).toMatch(/^19 899 /);
  expect(kept.length).toBeGreaterThan(4_000);
  // Who follows misses none.
  expect(read).toBe(20 * 900);
});

it('lines wait for a disk, and those that there is no room for are counted', async () => {
  const folder = runFolder();
  writeFileSync(join(folder, 'logs'), 'in the way');
  const file = new WorkerLogFile(folder);
  const text = 'x'.repeat(1000);
  for (let at = 0; at < 1200; at += 1) file.event(line(text));
  await file.close();
  rmSync(join(folder, 'logs'));
  await file.close();
  await file.close();
  const kept = await readCollected(folder);
  const last = kept.find(({ worker }) => worker === 'coordinator');
  expect(last?.text).toMatch(/^\d+ lines of workers left out, which the disk had no room for$/);
  expect(kept.length - 1 + (last?.leftOut ?? 0)).toBe(1200);
});

it('a worker with a file of its own is shown by that, with the words of its libraries, and once', async () => {
  const folder = runFolder();
  mkdirSync(join(folder, 'logs'));
  const timeMs = Date.parse(time);
  const record = (level: number, msg: string, atMs: number) =>
    `${JSON.stringify({ level, time: atMs, component: 'worker', pid: 1, msg })}\n`;
  const own = join(folder, 'logs', 'w1.log');
  writeFileSync(
    own,
    record(30, 'model compiled', timeMs) + record(40, 'push failed', timeMs + 2_000),
  );
  const file = new WorkerLogFile(folder);
  file.event(line('push failed', { worker: 'w1', host: 'a' }));
  file.event(line('2 lines left out', { worker: 'w1', host: 'a', leftOut: 2 }));
  file.event(line('push failed'));
  await file.close();
  appendFileSync(own, 'terminate called\u001b[31m\nhalf a li');
  const logs = new RunLogs(folder);
  expect(texts(await logs.read())).toEqual([
    'w1: model compiled',
    'far: push failed',
    'w1: push failed',
    'w1: terminate called\\u001b[31m',
  ]);
  expect(texts(logs.end())).toEqual(['w1: half a li']);
  expect(logs.ownNames).toEqual(['w1']);
});

it('damaged lines are left out, and what is obeyed is escaped, whoever has written it', async () => {
  const folder = runFolder();
  mkdirSync(join(folder, 'logs'));
  const good = { time, worker: 'w\u001b', host: 'b\n', level: 'loud', text: 'a\u0007\u202eb' };
  const lines = [
    '{',
    'null',
    '[]',
    JSON.stringify({ ...good, time: 'never' }),
    JSON.stringify(good),
  ];
  writeFileSync(join(folder, 'logs', 'workers.jsonl'), `${lines.join('\n')}\n`);
  expect(await new RunLogs(folder).read()).toEqual([
    {
      ...{ timeMs: Date.parse(time), worker: 'w\\u001b', host: 'b\\u000a' },
      ...{ level: 40, text: 'a\\u0007\\u202eb', leftOut: 0 },
    },
  ]);
});

it('a run without logs has no lines', async () => {
  expect(await new RunLogs(runFolder()).read()).toEqual([]);
  expect(await readCollected(runFolder())).toEqual([]);
});
