/** @file One chaos run: an undisturbed run for comparison, then the same one under blows. */
import { join } from 'node:path';
import { type Ended, TesseraProcess, tessera } from '../support/cluster.ts';
import { LivingCluster } from './living-cluster.ts';
import { MetricsTail } from './metrics-tail.ts';
import { Network, networkIsRefused } from './network.ts';
import { type ChaosReport, reportOf } from './report.ts';
import { scheduleOf } from './schedule.ts';
import { Striker } from './strike.ts';

/** How much chaos. */
export interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  readonly pauses: number;
  readonly epochs: number;
  /** Settings beside those of the quickstart. */
  readonly settings?: Readonly<Record<string, number>>;
  /** Where run folders are made. */
  readonly folder: string;
  /** After so long no further blow is dealt, and the run goes on to its end. */
  readonly blowsForMs: number;
  /** Longest time from the last blow to the end. */
  readonly endsWithinMs: number;
}

const WORKERS = 3;
/** Steps of one epoch of the quickstart: 8,000 digits in batches of 128. */
const STEPS_PER_EPOCH = 63;
const LEAVES_PER_STEP = 8;
const LEASE_MS = 2_000;
const HOST = 'narrow';
const BUFFER_BYTES = 128 * 1024;

/** The quickstart, with leaves for everybody, many checkpoints, and clocks that fit kills by the second. */
function quickstart({ epochs, settings: more }: ChaosOptions): string[] {
  const settings = {
    'training.epochs': epochs,
    'data.validation': 'none',
    'training.microBatch': 16,
    'training.schedule.warmupSteps': 5,
    // Two threads of an engine wait for each other by spinning.
    'compute.threads': 1,
    'evaluation.everyEpochs': 3,
    'checkpoint.everySteps': 3,
    'cluster.heartbeatMs': 250,
    'cluster.silenceMs': 2_500,
    'cluster.leaseMs': LEASE_MS,
    // Many small messages: a push, a pull, and whatever cuts them, take a while.
    'limits.chunkBytes': '16KiB',
    ...more,
  };
  return [
    'quickstart',
    ...Object.entries(settings).flatMap(([key, to]) => ['--set', `${key}=${to}`]),
  ];
}

/**
 * Runs the quickstart undisturbed and under blows, and compares.
 *
 * Throws  an Error when a process ends that nobody killed, or something takes too long.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, folder, epochs, blowsForMs } = options;
  const run = quickstart(options);
  const calm = join(folder, 'undisturbed');
  const train = ['train', ...run, '--json', '--workers', '1', '--run-folder', calm];
  const expected = await tessera(train);
  const undisturbed = new MetricsTail(calm);
  undisturbed.poll();
  const startedMs = performance.now();
  const schedule = { ...options, steps: epochs * STEPS_PER_EPOCH, workers: WORKERS };
  const place = narrowPlace();
  const cluster = new LivingCluster({
    run,
    runFolder: join(folder, 'chaos'),
    workers: WORKERS,
    start: place.start,
  });
  try {
    await cluster.start();
    const striker = new Striker(cluster);
    for (const blow of scheduleOf(schedule)) {
      if (performance.now() - startedMs > blowsForMs) break;
      await striker.strike(blow);
    }
    await striker.everybodyBack();
    const ended = await cluster.finished(options.endsWithinMs);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    await cluster.close();
    return reportOf({
      seed,
      seconds,
      struck: striker.struck,
      tail: cluster.tail,
      workerLogs: cluster.workerLogs,
      undisturbed,
      parametersSha256: sha256Of(ended),
      expectedSha256: sha256Of(expected),
      leaseMs: LEASE_MS,
      leavesPerStep: LEAVES_PER_STEP,
    });
  } finally {
    await cluster.close();
    place.close();
  }
}

/** The parameters that a run ended with. Throws  an Error when it did not end well. */
function sha256Of({ code, signal, stdout, stderr }: Ended): string {
  if (code === 0) return JSON.parse(stdout).parametersSha256;
  throw new Error(`the run ended with ${code ?? signal}:\n${stderr.slice(-4000)}`);
}

/** Where processes are started. */
interface Place {
  start(args: readonly string[]): TesseraProcess;
  close(): void;
}

/** A host with small TCP buffers, where a kill cuts transfers in two; without root the machine itself. */
function narrowPlace(): Place {
  const refused = networkIsRefused();
  if (refused !== undefined) {
    process.stderr.write(`no network namespace, few pushes will be cut in two: ${refused}\n`);
    return { start: (args) => new TesseraProcess(args), close: () => {} };
  }
  const network = new Network([HOST]);
  network.narrow(HOST, BUFFER_BYTES);
  return { start: (args) => network.start(HOST, args), close: () => network.close() };
}
