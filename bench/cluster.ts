/**
 * @file Where the time of a step is spent on a real cluster: ViT-Ti/16 at 224 px, two workers, batch 64.
 *
 * Real processes over real gRPC; the pictures are the embedded digits scaled up, since a bench must run
 * from a fresh clone. The first step compiles caches and is left out.
 *
 * `scaling` puts two workers of one thread beside one.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepTimings } from '../shared/runs/events.ts';
import { median, rangeOf } from './figures/median.ts';
import { meansOf, readSteps } from './figures/steps.ts';

/** Mean milliseconds of a step and its parts, and the coordinator's share of the wall time. */
export interface ClusterBench extends StepTimings {
  readonly steps: number;
  readonly workers: number;
  readonly batchSize: number;
  readonly imagesPerSecond: number;
  /** Time the coordinator's thread was busy (sum, optimizer, serving) over the wall time of the step. */
  readonly coordinatorShare: number;
}

/** Images a second of one worker and of two, and the second over twice the first, of turns. */
export interface ScalingBench {
  readonly oneWorker: string;
  readonly twoWorkers: string;
  readonly overTwice: string;
}

const BATCH_SIZE = 64;
const WORKERS = 2;
const ROUNDS = 5;
/** The held-out share leaves 256 training digits: four steps an epoch. */
export const SETTINGS = [
  'model.variant=Ti/16',
  'model.imageSize=224',
  'model.patchSize=null',
  'model.width=null',
  'model.depth=null',
  'model.heads=null',
  'model.mlpWidth=null',
  'data.channels=3',
  'data.augment.shift=0',
  'data.testFraction=0.9744',
  'data.validation=none',
  'evaluation.everyEpochs=0',
  'checkpoint.everyEpochs=0',
  'training.epochs=2',
  `training.batchSize=${BATCH_SIZE}`,
  'training.microBatch=8',
  'training.schedule.warmupSteps=0',
  'training.optimizer.learningRate=0.0001',
];

/** Trains a few steps of ViT-Ti/16 and reads the run's own record of where the time went. */
export async function benchCluster(): Promise<ClusterBench> {
  return summarise(await trainSteps([]));
}

/**
 * Measures two workers of one thread beside one, by turns of an epoch. Each run of two is compared with the runs of one
 * before and after it: a machine that becomes slower meanwhile is then slower for both.
 */
export async function benchScaling(): Promise<ScalingBench> {
  const ones: number[] = [];
  const twos: number[] = [];
  const speedOf = async (workers: number) => {
    const flags = ['--workers', `${workers}`, '--set', 'compute.threads=1'];
    const steps = await trainSteps([...flags, '--set', 'training.epochs=1']);
    return (1000 * BATCH_SIZE) / median(steps.map(({ wallMs }) => wallMs));
  };
  ones.push(await speedOf(1));
  for (let round = 0; round < ROUNDS; round += 1) {
    twos.push(await speedOf(2));
    ones.push(await speedOf(1));
  }
  const ratios = twos.map((two, round) => two / (Number(ones[round]) + Number(ones[round + 1])));
  const shown = (values: readonly number[]) => `${median(values).toFixed(2)} (${rangeOf(values)})`;
  return { oneWorker: shown(ones), twoWorkers: shown(twos), overTwice: shown(ratios) };
}

/** The times of the steps of one such run, with more flags; the first step is left out. */
export async function trainSteps(flags: readonly string[]): Promise<StepTimings[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  try {
    const runFolder = join(folder, 'run');
    const settings = SETTINGS.flatMap((setting) => ['--set', setting]);
    await runUntilSteps([
      ...['train', 'quickstart', ...settings, '--workers', String(WORKERS)],
      ...['--run-folder', runFolder, ...flags],
    ]);
    return (await readSteps(runFolder)).slice(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the CLI; it is stopped once training is over, for the evaluation is of no interest here. `begun` gets the number of
 * the process.
 */
export function runUntilSteps(
  args: readonly string[],
  begun: (pid: number) => void = () => {},
): Promise<void> {
  const main = new URL('../cli/main.js', import.meta.url);
  const child = spawn(process.execPath, [main.pathname, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (child.pid !== undefined) begun(child.pid);
  let output = '';
  let isAsked = false;
  child.stderr.on('data', (data) => {
    output += String(data);
    if (isAsked || !/evaluating/.test(output)) return;
    // A second one would end it before its record is written.
    isAsked = true;
    child.kill('SIGINT');
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0 || code === 130) done();
      else fail(new Error(`tessera ${args.join(' ')} ended with ${code}\n${output}`));
    });
  });
}

function summarise(steps: readonly StepTimings[]): ClusterBench {
  const means = meansOf(steps);
  return {
    steps: steps.length,
    workers: WORKERS,
    batchSize: BATCH_SIZE,
    ...means,
    imagesPerSecond: (BATCH_SIZE * 1000) / means.wallMs,
    coordinatorShare: means.coordinatorBusyMs / means.wallMs,
  };
}
