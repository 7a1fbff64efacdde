/**
 * @file What it costs to look at a run: the page with three viewers, figures taken each second and all of TensorBoard,
 * beside a run without observers. By turns, for a small model with short steps and for ViT-Ti/16.
 *
 * Viewers are programs of this machine: what they themselves compute slows the run down too.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../shared/core/clock.ts';
import { RUN_FILES } from '../shared/runs/layout.ts';
import { runUntilSteps, SETTINGS } from './cluster.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';
import { readRecordedSteps } from './figures/steps.ts';

/** Median milliseconds of a step without and with observers, and the second over the first, of turns. */
interface ObserversBench {
  readonly without: string;
  readonly observed: string;
  readonly ratio: string;
  readonly steps: number;
  readonly sameLosses: boolean;
}

const ROUNDS = 3;
const VIEWERS = 3;
/** Those compile caches. */
const FIRST_STEPS = 5;
const EACH_SECOND_MS = 1_000;
const LOOK_MS = 200;
const UNOBSERVED = ['--tensorboard', 'off'];
const OBSERVED = ['--tensorboard', 'all', '--page', '127.0.0.1:0'];
const MODELS: Readonly<Record<string, readonly string[]>> = {
  quickstart: ['training.epochs=3', 'evaluation.everyEpochs=0'],
  'ViT-Ti/16': [...SETTINGS, 'training.epochs=1', 'training.batchSize=16'],
};

/** Measures. */
export async function benchObservers(): Promise<Readonly<Record<string, ObserversBench>>> {
  const results: Record<string, ObserversBench> = {};
  for (const [name, settings] of Object.entries(MODELS)) results[name] = await byTurns(settings);
  return results;
}

async function byTurns(settings: readonly string[]): Promise<ObserversBench> {
  const without: number[] = [];
  const observed: number[] = [];
  const losses: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const isObserved of round % 2 === 0 ? [false, true] : [true, false]) {
      const steps = await trained(settings, isObserved);
      const stepMs = median(steps.slice(FIRST_STEPS).map(({ timings }) => timings.wallMs));
      (isObserved ? observed : without).push(stepMs);
      losses.push(steps.map(({ loss }) => loss));
    }
  }
  const shown = (values: readonly number[]) => `${median(values).toFixed(2)} (${rangeOf(values)})`;
  return {
    without: shown(without),
    observed: shown(observed),
    ratio: shown(ratiosOf(observed, without)),
    steps: Math.max(...losses.map(({ length }) => length)),
    sameLosses: new Set(losses.map((some) => some.join())).size === 1,
  };
}

/** Trains until it would test; returns its steps. */
async function trained(settings: readonly string[], isObserved: boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  const runFolder = join(folder, 'run');
  const looking = new AbortController();
  const lookers = isObserved ? look(runFolder, looking.signal) : Promise.resolve();
  try {
    await runUntilSteps([
      ...['train', 'quickstart', '--workers', '2', '--run-folder', runFolder],
      ...settings.flatMap((setting) => ['--set', setting]),
      ...(isObserved ? OBSERVED : UNOBSERVED),
    ]);
    return await readRecordedSteps(runFolder);
  } finally {
    looking.abort();
    await lookers;
    await rm(folder, { recursive: true, force: true });
  }
}

/** Three pages that follow, and a taker of figures, until a signal. */
async function look(runFolder: string, signal: AbortSignal): Promise<void> {
  const url = await pageOf(runFolder, signal);
  if (url === undefined) return;
  const follow = async () => {
    const response = await fetch(`${url}/api/events`, { signal });
    for await (const _ of response.body ?? []);
  };
  const take = async () => {
    while (!signal.aborted) {
      await (await fetch(`${url}/metrics`, { signal })).text();
      await systemClock.sleep(EACH_SECOND_MS);
    }
  };
  await Promise.allSettled([take(), ...Array.from({ length: VIEWERS }, follow)]);
}

async function pageOf(runFolder: string, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    const url = await readFile(join(runFolder, RUN_FILES.page), 'utf8').catch(() => '');
    if (url !== '') return url.trim();
    await systemClock.sleep(LOOK_MS);
  }
  return undefined;
}
