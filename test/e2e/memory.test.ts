/** @file Vectors through the memory of a machine: the bits of the wire, also when a process is killed. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';

const folder = scratchFolder();
/** A vector of more than 4 MiB. */
const WIDE = [
  'model.width=192',
  'model.depth=3',
  'model.mlpWidth=768',
  'training.epochs=1',
].flatMap((setting) => ['--set', setting]);

describe.skipIf(process.platform !== 'linux')('workers on the machine of their coordinator', () => {
  it('exchange vectors through memory; a run with a killed worker has the bits of one by wire', async () => {
    const wire = await tessera([
      ...['train', ...SMALL_RUN, ...WIDE, '--workers', '1', '--json'],
      ...['--set', 'cluster.sharedMemory=off', '--run-folder', join(folder, 'wire')],
    ]);
    expect(wire.code, wire.stderr).toBe(0);
    const coordinator = new TesseraProcess([
      ...['coordinator', ...SMALL_RUN, ...WIDE, '--json', '--set', 'cluster.minWorkers=2'],
      ...['--run-folder', join(folder, 'memory'), '--listen', '127.0.0.1:0'],
    ]);
    const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    const start = () =>
      new TesseraProcess(['worker', address, '--threads', '1', '--restarts', '0']);
    const [first, second] = [start(), start()];
    await first.printed(/vectors travel through the memory/);
    await statusWhere(address, (s) => s.step >= 3);
    second.kill('SIGKILL');
    const third = start();
    await third.printed(/vectors travel through the memory/);
    const ended = await coordinator.ended;
    expect(ended.code, ended.stderr).toBe(0);
    const sha256 = (stdout: string) => JSON.parse(stdout).parametersSha256;
    expect(sha256(ended.stdout)).toBe(sha256(wire.stdout));
    await Promise.all([first.ended, third.ended]);
  });
});
