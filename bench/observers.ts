/**
 * @file What it costs to look at a run: the page with three viewers, figures taken each second and TensorBoard, beside a
 * run without observers. By turns, for a small model with short steps and for ViT-Ti/16.
 *
 * Times of steps scatter by more than observers cost. All of them work in the main thread of the coordinator, so what
 * they cost is how much more processor time that thread uses for a step: a step takes longer by that at most. Looks at
 * checkpoints are processes of low priority and stand apart. Viewers are programs of this machine: what they themselves
 * compute slows the run down too.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../shared/core/clock.ts';
import { runUntilSteps, SETTINGS } from './cluster.ts';
import { look } from './figures/lookers.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';
import { type ProcessorTime, processorTimeOf } from './figures/processor-time.ts';
import { readRecordedSteps } from './figures/steps.ts';

/** One way to look at a run beside the run without: medians and ranges of turns. */
interface ObserversBench {
  /** Of a step. Units  milliseconds. */
  readonly without: string;
  readonly observed: string;
  readonly ratio: string;
  /** Processor time of the coordinator's main thread in a step. Units  milliseconds. */
  readonly coordinatorWithout: string;
  readonly coordinatorObserved: string;
  /** The second of its time of a step, less the first of its own. Units  percent. */
  readonly percentOfStep: string;
  /** Processor time of looks at checkpoints, of the time of a step. Units  percent. */
  readonly looksPercent: string;
  readonly steps: number;
  readonly sameLosses: boolean;
}

/** Processor time. */
type Used = Pick<ProcessorTime, 'main' | 'helpers'>;

/** What was measured of one run; per step, in milliseconds. */
interface Turn extends Used {
  readonly stepMs: number;
  readonly losses: readonly number[];
}

const ROUNDS = 3;
/** Those compile caches. */
const FIRST_STEPS = 5;
const COUNT_MS = 200;
const LOOKER = 'look-main';
const OFF = 'off';
/** What is written for TensorBoard; there is a page as well, but where nothing is. */
const WAYS = [OFF, 'all'];
const MODELS: Readonly<Record<string, readonly string[]>> = {
  quickstart: ['training.epochs=12', 'evaluation.everyEpochs=0'],
  'ViT-Ti/16': [...SETTINGS, 'training.epochs=4', 'training.batchSize=16'],
};

/** Measures. */
export async function benchObservers(): Promise<Readonly<Record<string, ObserversBench>>> {
  const results: Record<string, ObserversBench> = {};
  for (const [model, settings] of Object.entries(MODELS)) {
    const turns = new Map<string, Turn[]>(WAYS.map((way) => [way, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      // Every second round goes the other way round.
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        turns.get(way)?.push(await trained(settings, way));
      }
    }
    for (const [way, observed] of turns) {
      if (way !== OFF)
        results[`${model}: page, TensorBoard ${way}`] = beside(turns.get(OFF) ?? [], observed);
    }
  }
  return results;
}

function beside(without: readonly Turn[], observed: readonly Turn[]): ObserversBench {
  const shown = (values: readonly number[]) => `${median(values).toFixed(2)} (${rangeOf(values)})`;
  const of = (turns: readonly Turn[], name: 'stepMs' | keyof Used) =>
    turns.map((turn) => turn[name]);
  // Of the time of the same turn: a machine that is slower meanwhile is so for both.
  const percents = (turns: readonly Turn[], name: keyof Used) =>
    turns.map((turn) => (100 * turn[name]) / turn.stepMs);
  const usual = percents(without, 'main');
  const more = percents(observed, 'main').map((share, turn) => share - (usual[turn] ?? Number.NaN));
  return {
    without: shown(of(without, 'stepMs')),
    observed: shown(of(observed, 'stepMs')),
    ratio: shown(ratiosOf(of(observed, 'stepMs'), of(without, 'stepMs'))),
    coordinatorWithout: shown(of(without, 'main')),
    coordinatorObserved: shown(of(observed, 'main')),
    percentOfStep: shown(more),
    looksPercent: shown(percents(observed, 'helpers')),
    steps: Math.max(...observed.map(({ losses }) => losses.length)),
    sameLosses: new Set([...without, ...observed].map(({ losses }) => losses.join())).size === 1,
  };
}

/** Trains until it would test. */
async function trained(settings: readonly string[], way: string): Promise<Turn> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  const runFolder = join(folder, 'run');
  const looking = new AbortController();
  const { signal } = looking;
  const lookers = way === OFF ? Promise.resolve() : look(runFolder, signal);
  let counted: Promise<Used> | undefined;
  try {
    await runUntilSteps(
      [
        ...['train', 'quickstart', '--workers', '2', '--run-folder', runFolder],
        ...settings.flatMap((setting) => ['--set', setting]),
        ...['--tensorboard', way, '--page', way === OFF ? OFF : '127.0.0.1:0'],
      ],
      (pid) => {
        counted = countedOf(pid, runFolder, signal);
      },
    );
    looking.abort();
    const steps = await readRecordedSteps(runFolder);
    return {
      stepMs: median(steps.slice(FIRST_STEPS).map(({ timings }) => timings.wallMs)),
      losses: steps.map(({ loss }) => loss),
      ...((await counted) ?? { main: Number.NaN, helpers: Number.NaN }),
    };
  } finally {
    looking.abort();
    await lookers;
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a step costs, between the first steps and the last that was seen while the process lived. */
async function countedOf(pid: number, runFolder: string, signal: AbortSignal): Promise<Used> {
  let first: (ProcessorTime & { readonly steps: number }) | undefined;
  let last = first;
  while (!signal.aborted) {
    const steps = (await readRecordedSteps(runFolder)).length;
    const time = processorTimeOf(pid, LOOKER);
    // The time of workers that have ended is none of looks.
    const isWhole = time !== undefined && time.others >= (first?.others ?? 0);
    if (isWhole && steps >= FIRST_STEPS && steps !== last?.steps) {
      last = { ...time, steps };
      first ??= last;
    }
    await systemClock.sleep(COUNT_MS);
  }
  const perStep = (name: keyof Used) =>
    first === undefined || last === undefined
      ? Number.NaN
      : (last[name] - first[name]) / (last.steps - first.steps);
  return { main: perStep('main'), helpers: perStep('helpers') };
}
