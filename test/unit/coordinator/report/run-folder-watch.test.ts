/** @file The folder of a run that goes on: removed, renamed, taken by another, full, torn by a crash. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lockWatcher } from '../../../../coordinator/report/run-folder-watch.ts';
import { deferred } from '../../../../shared/core/async.ts';
import type { TesseraError } from '../../../../shared/core/errors.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { holderOf, takeLock } from '../../../../shared/runs/lock/lock.ts';
import { MetricsFile } from '../../../../shared/runs/metrics-file.ts';
import { findRun } from '../../../../shared/runs/reader/find.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-trouble-'));
afterAll(() => rmSync(folder, { recursive: true }));
const QUICK = { touchMs: 5, staleMs: 1_000, halfMs: 100, lookMs: 5 };

/** A run's folder and its lock, and what it says. */
async function hold(name: string) {
  const runFolder = join(folder, name);
  mkdirSync(runFolder);
  const path = join(runFolder, 'coordinator.lock');
  const lock = await takeLock(path, { times: QUICK });
  const warned = deferred<string>();
  const stopped = deferred<TesseraError>();
  const log = createLog({ component: 'test', destination: { write: warned.resolve } });
  const description = { runFolder, configJson: '{}', beginning: '{}', address: '127.0.0.1:1' };
  lock.watch(lockWatcher(description, log, stopped.resolve));
  return { runFolder, path, lock, warned: warned.promise, stopped: stopped.promise };
}

describe('the folder of a run that goes on', () => {
  it('that is removed is made anew, with what --resume and a second coordinator need', async () => {
    const { runFolder, path, lock, warned } = await hold('removed');
    rmSync(runFolder, { recursive: true });
    expect(await warned).toContain(runFolder);
    expect(await holderOf(path)).toMatchObject({ pid: process.pid });
    await expect.poll(() => findRun(runFolder)).toBe(runFolder);
    await lock.release();
    expect(await holderOf(path)).toBeUndefined();
  });

  it('that another coordinator has taken ends the run, and names the other', async () => {
    const { path, lock, stopped } = await hold('taken');
    const other = JSON.stringify({ id: 'b', host: hostname(), pid: 1, started: '' });
    writeFileSync(path, other);
    expect(await stopped).toMatchObject({
      code: 'RUN_IN_USE',
      message: expect.stringContaining(`process 1 on ${hostname()}`),
    });
    await lock.release();
    expect(readFileSync(path, 'utf8')).toBe(other);
  });
});

describe('metrics.jsonl', () => {
  /** A file that cannot be written while a folder of its name is in the way. */
  function blocked(name: string) {
    const runFolder = join(folder, name);
    const path = join(runFolder, 'metrics.jsonl');
    mkdirSync(path, { recursive: true });
    const told: unknown[] = [];
    const metrics = new MetricsFile(runFolder, {
      failed: (error) => told.push((error as NodeJS.ErrnoException).code),
      recovered: (lost) => told.push({ recovered: lost }),
      lost: (records) => told.push({ lost: records }),
    });
    const failed = () => expect.poll(() => told).toEqual(['EISDIR']);
    return { path, told, metrics, failed };
  }

  it('goes on after a failure that passes, with what could not be written meanwhile', async () => {
    const { path, told, metrics, failed } = blocked('passing');
    metrics.event({ step: 1 });
    await failed();
    metrics.event({ step: 2 });
    rmdirSync(path);
    metrics.event({ step: 3 });
    await metrics.close();
    expect(readFileSync(path, 'utf8')).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
    expect(told).toEqual(['EISDIR', { recovered: 0 }]);
  });

  const large = { text: 'x'.repeat(2 ** 18) };

  it('keeps so much of it, and tells how many records are lost once it goes on', async () => {
    const { path, told, metrics, failed } = blocked('long');
    for (let step = 1; step <= 10; step += 1) metrics.event(large);
    await failed();
    rmdirSync(path);
    await metrics.close();
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(3);
    expect(told).toEqual(['EISDIR', { recovered: 7 }]);
  });

  it('tells at the end of a run what never came to be written', async () => {
    const { told, metrics } = blocked('never');
    for (let step = 1; step <= 10; step += 1) metrics.event(large);
    await metrics.close();
    expect(told).toEqual(['EISDIR', { lost: 10 }]);
  });

  it('a step waits for others, and no record for long', async () => {
    const runFolder = mkdtempSync(join(folder, 'waiting-'));
    const path = join(runFolder, 'metrics.jsonl');
    const silent = { failed: () => {}, recovered: () => {}, lost: () => {} };
    const metrics = new MetricsFile(runFolder, silent);
    metrics.event({ type: 'step', step: 1 });
    metrics.event({ type: 'step', step: 2 });
    const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
    await expect.poll(lines).toBe(2);
    metrics.event({ type: 'step', step: 3 });
    metrics.event({ type: 'phase', phase: 'saving' });
    await expect.poll(lines).toBe(4);
    metrics.event({ type: 'step', step: 4 });
    await metrics.close();
    expect(lines()).toBe(5);
  });

  it('of a run that was killed begins a new line behind half of one', async () => {
    const runFolder = mkdtempSync(join(folder, 'torn-'));
    const path = join(runFolder, 'metrics.jsonl');
    writeFileSync(path, '{"step":1}\n{"st');
    const silent = { failed: () => {}, recovered: () => {}, lost: () => {} };
    const metrics = new MetricsFile(runFolder, silent);
    metrics.event({ step: 2 });
    await metrics.close();
    expect(readFileSync(path, 'utf8')).toBe('{"step":1}\n{"st\n{"step":2}\n');
  });
});
