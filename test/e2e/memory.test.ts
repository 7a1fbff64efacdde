/** @file Vectors through the memory of a machine: the bits of the wire, also when a process is killed. */
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
/** A vector of more than 4 MiB. */
const WIDE = [
  'model.width=192',
  'model.depth=3',
  'model.mlpWidth=768',
  'training.epochs=1',
].flatMap((setting) => ['--set', setting]);

/** Both ends of a run on lanes: through memory is the way of workers here unless it is off. */
const LANES = ['cluster.sharedMemory=off', 'cluster.reducers=2', 'cluster.lanes=2'].flatMap(
  (setting) => ['--set', setting],
);

/** By wire, on the port of the coordinator: what the others are compared with. */
const byWire = once(async () => {
  const wire = await tessera([
    ...['train', ...SMALL_RUN, ...WIDE, '--workers', '1', '--json'],
    ...['--set', 'cluster.sharedMemory=off', '--set', 'cluster.lanes=0'],
    ...['--run-folder', join(folder, 'wire')],
  ]);
  expect(wire.code, wire.stderr).toBe(0);
  return sha256In(wire.stdout);
});

describe.skipIf(process.platform !== 'linux')('workers on the machine of their coordinator', () => {
  longIt.each([
    ['through memory', [], /vectors travel through the memory/],
    ['on lanes', LANES, /large vectors travel on lanes/],
  ])(
    'exchange vectors %s; a run with a killed worker has the bits of one by wire',
    async (...way) => {
      const [name, settings, said] = way;
      const coordinator = new TesseraProcess([
        ...['coordinator', ...SMALL_RUN, ...WIDE, '--json', '--set', 'cluster.minWorkers=2'],
        ...[...settings, '--run-folder', join(folder, name), '--listen', '127.0.0.1:0'],
      ]);
      const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
      const start = () =>
        new TesseraProcess(['worker', address, '--threads', '1', '--restarts', '0']);
      const [first, second] = [start(), start()];
      await first.printed(said);
      await statusWhere(address, (s) => s.step >= 3);
      second.kill('SIGKILL');
      const third = start();
      await third.printed(said);
      const ended = await coordinator.ended;
      expect(ended.code, ended.stderr).toBe(0);
      expect(sha256In(ended.stdout)).toBe(await byWire());
      for (const worker of [first, third]) {
        expect((await worker.ended).stderr).not.toMatch(/a lane cannot be reached/);
      }
    },
  );

  longIt('test the best version through memory, though it is older than the newest', async () => {
    // The rate rises until it destroys what was learned.
    const worse = ['training.schedule={name: rising, warmupSteps: 31}', 'training.epochs=2'];
    const settings = [...worse, 'training.optimizer.learningRate=1', 'data.validation=0.2'];
    const run = await tessera([
      ...['train', ...SMALL_RUN, ...WIDE, '--workers', '1'],
      ...settings.flatMap((setting) => ['--set', setting]),
      ...['--set', 'evaluation.everyEpochs=1', '--run-folder', join(folder, 'best')],
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout + run.stderr).toMatch(/test {2}epoch 1 .*the best on the validation images/);
  });
});

function sha256In(stdout: string): string {
  return JSON.parse(stdout).parametersSha256;
}

/** The same promise each time. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
