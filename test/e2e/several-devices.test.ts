/**
 * @file Devices of one worker with the engine of the package: whoever has which leaves and whoever dies, the bits are those
 * of one device. `devices.test.ts` has the same on XLA.
 */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { RunStatus } from '../../shared/contract/status.ts';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt, runsAllProofs } from '../support/proofs.ts';

const folder = scratchFolder();
let expected = '';

/** Trains with so many workers; returns the digest of its parameters. */
async function train(name: string, workers: number, devices: string): Promise<string> {
  const how = ['--workers', String(workers), '--devices', devices];
  const place = ['--run-folder', join(folder, name)];
  const ended = await tessera(['train', ...SMALL_RUN, '--json', ...how, ...place]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout).parametersSha256;
}

beforeAll(async () => {
  expected = await train('one', 1, '0');
});

it.each([
  ...(runsAllProofs ? ([['two devices in one worker', 1, '0,1']] as const) : []),
  ['two workers of one and two devices', 2, '0,1,2'],
] as const)('%s end with the bits of one device', async (_what, workers, devices) => {
  expect(await train(`${workers}-of-${devices}`, workers, devices)).toBe(expected);
});

longIt(
  'workers of one, two and three devices of which one is killed end with the same bits; the status shows them',
  async () => {
    const coordinator = new TesseraProcess([
      ...['coordinator', ...SMALL_RUN, '--json', '--workers', '2:3', '--listen', '127.0.0.1:0'],
      ...['--run-folder', join(folder, 'killed')],
    ]);
    const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    const start = (devices: string) =>
      new TesseraProcess(['worker', address, '--threads', '2', '--devices', devices]);
    const workers = [start('0'), start('0,1'), start('0,1,2')];
    const working = ({ workers }: RunStatus) => workers.filter(({ leavesDone }) => leavesDone > 0);
    const status = await statusWhere(address, (status) => working(status).length === 3);
    const shown = status.workers.map(({ deviceCount, deviceKind, engine }) => [
      ...[deviceCount, deviceKind, engine],
    ]);
    expect(shown.sort()).toEqual([
      [0, '', 'onnxruntime-cpu, threads 2'],
      [2, 'cpu', 'onnxruntime-cpu, 2 x threads 1'],
      [3, 'cpu', 'onnxruntime-cpu, 3 x threads 1'],
    ]);
    workers[1]?.kill('SIGKILL');
    const ended = await coordinator.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout).parametersSha256).toBe(expected);
    expect((await workers[0]?.ended)?.code).toBe(0);
    expect((await workers[2]?.ended)?.code).toBe(0);
  },
);
