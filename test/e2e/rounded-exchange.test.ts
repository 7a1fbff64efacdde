/** @file Promises P2 and P3 where vectors are bfloat16: every node of the sum is rounded, so no split and no death shows. */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
/** Evaluations have float32, and the part that does not train is pulled once for both: the simulator has no such part. */
const ROUNDED = [
  ...[...SMALL_RUN, '--set', 'exchange.gradients=bf16', '--set', 'exchange.parameters=bf16'],
  ...['--set', 'training.averageDecay=0.9', '--set', 'checkpoint.everySteps=7'],
  ...['--set', 'model.freeze=blocks<1', '--set', 'evaluation.everyEpochs=1'],
];
let expected: { parametersSha256: string; testLoss: number; testAccuracy: number };

async function train(name: string, args: readonly string[]) {
  const ended = await tessera(['train', ...args, '--json', '--run-folder', join(folder, name)]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

beforeAll(async () => {
  expected = await train('one', [...ROUNDED, '--workers', '1']);
});

it('three workers end with the parameters of one, and have learned', async () => {
  const three = await train('three', [...ROUNDED, '--workers', '3']);
  const { parametersSha256, testLoss, testAccuracy } = expected;
  expect(three).toMatchObject({ parametersSha256, testLoss, testAccuracy });
  expect(three.testAccuracy).toBeGreaterThan(0.2);
});

longIt(
  'a worker and then the coordinator are killed; the resumed run ends with the same bits, and its test is of what is saved',
  async () => {
    const runFolder = join(folder, 'killed');
    const listen = ['--run-folder', runFolder, '--listen', '127.0.0.1:0'];
    const before = new TesseraProcess(['coordinator', ...ROUNDED, '--workers', '2:3', ...listen]);
    const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    const start = () => new TesseraProcess(['worker', address, '--threads', '1']);
    const [first, second] = [start(), start()];
    await statusWhere(address, ({ step }) => step >= 4);
    second.kill('SIGKILL');
    const third = start();
    await statusWhere(address, ({ step, parametersVersion: v }) => step >= 10 && v >= 7);
    before.kill('SIGKILL');
    expect((await before.ended).signal).toBe('SIGKILL');
    const after = new TesseraProcess(['coordinator', '--json', '--resume', runFolder]);
    const ended = await after.ended;
    expect(ended.code, ended.stderr).toBe(0);
    const { parametersSha256, testLoss, testAccuracy } = expected;
    expect(JSON.parse(ended.stdout)).toMatchObject({ parametersSha256, testLoss, testAccuracy });
    for (const worker of [first, third]) expect((await worker.ended).code).toBe(0);
  },
);

it('a run does not go on with other rounding', async () => {
  const args = ['train', '--resume', join(folder, 'one'), '--set', 'exchange.gradients=f32'];
  const { code, stderr } = await tessera(args);
  expect([code, stderr]).toEqual([
    expect.any(Number),
    expect.stringMatching(/exchange\.gradients/),
  ]);
  expect(code).not.toBe(0);
});
