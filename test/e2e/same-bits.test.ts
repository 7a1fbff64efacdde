/** @file Promises P1 to P3 on real processes: whoever computes and whoever dies, the bits are the same. */

import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunStatus } from '../../shared/contract/status.ts';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
let expected = '';

async function train(name: string, ...args: string[]) {
  const ended = await tessera([
    'train',
    ...SMALL_RUN,
    '--json',
    '--run-folder',
    join(folder, name),
    ...args,
  ]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

beforeAll(async () => {
  expected = (await train('one', '--workers', '1')).parametersSha256;
});

describe('P1 and P2: the number of workers changes no bit', () => {
  it('three workers and two reducer threads end with the parameters of one worker and none', async () => {
    const threads = ['--set', 'cluster.reducers=2'];
    const result = await train('workers-3', '--workers', '3', ...threads);
    expect(result.parametersSha256).toBe(expected);
    expect(result).toMatchObject({ schema: 'train/1', steps: 40, epochs: 2, workers: 3 });
    expect(result.testAccuracy).toBeGreaterThan(0.3);
  });
});

describe('P3: deaths change no bit', () => {
  it('one worker is killed and one asked to go by SIGTERM; the run waits below its minimum and says so, others come, and it ends by itself', async () => {
    const coordinator = new TesseraProcess([
      ...['coordinator', ...SMALL_RUN, '--json', '--workers', '2:3'],
      ...['--run-folder', join(folder, 'come-and-go'), '--listen', '127.0.0.1:0'],
    ]);
    const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    const start = () => new TesseraProcess(['worker', address, '--threads', '1']);
    const working = (s: RunStatus) => s.workers.filter((w) => w.leavesDone > 0).length;
    const [first, second] = [start(), start()];
    await statusWhere(address, (s) => s.step >= 4 && working(s) === 2);
    second.kill('SIGKILL');
    await statusWhere(address, (s) => s.workers.length === 1 && /waiting for 1/.test(s.reason));
    const third = start();
    await statusWhere(address, (s) => s.step >= 8 && working(s) === 2);
    first.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, signal: null });
    await statusWhere(address, (s) => s.workers.length === 1 && /waiting for 1/.test(s.reason));
    const fourth = start();
    const ended = await coordinator.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout).parametersSha256).toBe(expected);
    expect((await third.ended).code).toBe(0);
    expect((await fourth.ended).code).toBe(0);
  });

  longIt(
    'workers that are asked to go in the midst of leaves let them end, and exit with 0',
    async () => {
      const coordinator = new TesseraProcess([
        ...['coordinator', ...SMALL_RUN, '--workers', '3', '--listen', '127.0.0.1:0'],
        ...['--run-folder', join(folder, 'long-leaves')],
        ...['--set', 'model.width=192', '--set', 'model.depth=6'],
      ]);
      const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
      const workers = [1, 2, 3].map(
        () => new TesseraProcess(['worker', address, '--threads', '1']),
      );
      await statusWhere(address, (s) => s.workers.filter((w) => w.leavesDone > 0).length === 3);
      for (const worker of workers) worker.kill('SIGTERM');
      for (const worker of workers) {
        expect(await worker.ended).toMatchObject({ code: 0, signal: null });
      }
      coordinator.kill();
      await coordinator.ended;
    },
  );

  it('the coordinator is killed and resumed; its workers come back by themselves', async () => {
    const runFolder = join(folder, 'killed-coordinator');
    const args = ['coordinator', ...SMALL_RUN, '--json', '--set', 'checkpoint.everySteps=7'];
    const before = new TesseraProcess([
      ...args,
      '--run-folder',
      runFolder,
      '--listen',
      '127.0.0.1:0',
    ]);
    const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    const workers = [1, 2].map(() => new TesseraProcess(['worker', address, '--threads', '1']));
    await statusWhere(address, (status) => status.step >= 10 && status.parametersVersion >= 7);
    before.kill('SIGKILL');
    expect((await before.ended).signal).toBe('SIGKILL');
    // Config and address come from the folder; what does not decide the numbers may change, and nobody minds.
    const changed = [
      'name=other',
      'limits.workersMax=8',
      'cluster.reducers=3',
      'cluster.minWorkers=2',
      'checkpoint.keep=1',
    ];
    const settings = changed.flatMap((setting) => ['--set', setting]);
    const after = new TesseraProcess(['coordinator', '--json', '--resume', runFolder, ...settings]);
    const ended = await after.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout).parametersSha256).toBe(expected);
    for (const worker of workers) expect((await worker.ended).code).toBe(0);
  });

  longIt(
    'a run whose output nobody reads any more saves what it has and says that it is not done; four workers go on where two were',
    async () => {
      const runFolder = join(folder, 'no-reader');
      const args = ['train', ...SMALL_RUN, '--set', 'checkpoint.everyEpochs=0'];
      const before = new TesseraProcess([...args, '--workers', '2', '--run-folder', runFolder]);
      await before.printed(/step +20/);
      before.child.stdout?.destroy();
      before.child.stderr?.destroy();
      expect((await before.ended).code).toBe(130);
      expect(readdirSync(join(runFolder, 'checkpoints'))).toHaveLength(1);
      // All four: what is left may be done before the last of them has started.
      const four = ['--workers', '4', '--set', 'cluster.minWorkers=4'];
      const after = await tessera([...args, ...four, '--json', '--resume', runFolder]);
      expect(after.code, after.stderr).toBe(0);
      expect(JSON.parse(after.stdout)).toMatchObject({ parametersSha256: expected, workers: 4 });
    },
  );

  longIt(
    '`tessera train` replaces a worker that is asked to go; killed it leaves none behind, and --resume ends with the same bits',
    async () => {
      const runFolder = join(folder, 'killed-train');
      const args = [
        'train',
        ...SMALL_RUN,
        '--json',
        '--workers',
        '2',
        '--set',
        'checkpoint.everySteps=7',
      ];
      const before = new TesseraProcess([...args, '--run-folder', runFolder]);
      const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
      const status = await statusWhere(address, (s) => s.step >= 10 && s.parametersVersion >= 7);
      const [first] = status.workers;
      if (first !== undefined) process.kill(first.pid, 'SIGTERM');
      await before.printed(/worker\/w1 left[\s\S]*w1 ended with exit code 0: .* starts again/);
      before.kill('SIGKILL');
      expect((await before.ended).signal).toBe('SIGKILL');
      for (const { pid } of status.workers) await processGone(pid);
      const ended = await tessera(['train', '--json', '--resume', runFolder]);
      expect(ended.code, ended.stderr).toBe(0);
      expect(JSON.parse(ended.stdout)).toMatchObject({ parametersSha256: expected, workers: 2 });
    },
  );
});

describe('`tessera runs compare` by the sums of each step', () => {
  const compared = (...names: readonly string[]) =>
    tessera(['runs', 'compare', '--exact', ...names.map((name) => join(folder, name))]);

  it('finds runs the same, be they of three workers or killed and resumed', async () => {
    const { code, stdout, stderr } = await compared('one', 'workers-3', 'killed-coordinator');
    expect(code, stderr).toBe(0);
    const same = /^(\S+) and (\S+): the same parameters after each of 40 steps \(1 to 40\)$/gm;
    expect([...stdout.matchAll(same)].map(([, one, other]) => [one, other])).toEqual([
      ['one', 'workers-3'],
      ['one', 'killed-coordinator'],
    ]);
    expect(stdout).not.toContain('came there again');
  });

  longIt('names the seed of a run that is other from the start', async () => {
    await train('seed', '--workers', '1', '--set', 'seed=7', '--set', 'training.epochs=1');
    const { code, stdout } = await compared('one', 'seed');
    expect(code).toBe(1);
    expect(stdout).toMatch(/one and seed: other parameters from step 1 on/);
    expect(stdout).toMatch(/settings: +seed \d+ \| 7, .*training\.epochs 2 \| 1$/m);
    expect(stdout).toMatch(/first parameters: others/);
  });

  it('names the step from which one bit was other', async () => {
    cpSync(join(folder, 'one'), join(folder, 'bit'), { recursive: true });
    const path = join(folder, 'bit/metrics.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    const edited = lines.map((line) => {
      if (!line.includes('"type":"step"')) return line;
      const record = JSON.parse(line);
      if (record.step < 13) return line;
      return JSON.stringify({ ...record, parameterSums: '00000000-00000000' });
    });
    writeFileSync(path, edited.join('\n'));
    const { code, stdout } = await compared('one', 'bit');
    expect(code).toBe(1);
    expect(stdout).toMatch(/the same parameters up to step 12, other parameters from step 13 on$/m);
    expect(stdout).toMatch(/step 13: +the same loss and gradient norm/);
  });
});

/** Waits until no process has this id. */
async function processGone(pid: number): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (performance.now() - startedMs > 30_000) throw new Error(`process ${pid} lives on`);
    await new Promise((later) => setTimeout(later, 50));
  }
}
