/** @file Promises P1 to P3 for each recipe: workers, deaths and kept features change no bit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt, runsAllProofs } from '../support/proofs.ts';

const folder = scratchFolder();

const MIXED =
  'dropout, stochastic depth, mixup, CutMix, augmentation, erasing and an average of the weights';
const FROZEN = 'a frozen backbone and kept features';
/** What draws at random or has state of its own stands together: whichever of it depends on who computes, the bits differ. */
const RECIPES = {
  [MIXED]: [
    ...['model.dropout=0.1', 'model.stochasticDepth=0.2'],
    'data.augment={shift: 2, flip: true, mixup: 0.8, cutmix: 1, policy: trivial, erasing: 0.25}',
    ...['training.averageDecay=0.9', 'training.optimizer.layerDecay=0.7'],
  ],
  // Seven steps an epoch: the first is judged before the kill, the second after it, and the better one is tested.
  'a frozen beginning, a share to validate': [
    ...['model.freeze=blocks<1', 'training.optimizer.name=sgd', 'data.validation=0.65'],
  ],
  // Digits are learned for longer than two epochs: the run is killed before it ends early.
  'weights of classes, a plateau and an early end': [
    ...['training.epochs=9', 'data.validation=0.65', 'training.classWeights=balanced'],
    'evaluation.everyEpochs=1',
    ...['training.schedule={name: plateau, patience: 1, factor: 0.5}', 'training.earlyStopping=2'],
  ],
  [FROZEN]: ['model.freeze=backbone'],
} as const;

function argumentsOf(settings: readonly string[]): string[] {
  // Wider: six steps are left when it is killed.
  const all = ['model.width=32', 'training.epochs=2', 'checkpoint.everySteps=7', ...settings];
  return [...SMALL_RUN, '--json', ...all.flatMap((setting) => ['--set', setting])];
}

async function train(args: readonly string[], ...more: readonly string[]) {
  const ended = await tessera(['train', ...args, ...more]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

const ones = new Map<string, ReturnType<typeof train>>();

/** What the run of one worker ends with, made once. */
async function expectedOf(name: keyof typeof RECIPES) {
  const runFolder = join(folder, `${name} one`);
  const args = [...argumentsOf(RECIPES[name]), '--run-folder', runFolder];
  const one = ones.get(name) ?? train(args, '--workers', '1');
  ones.set(name, one);
  const { parametersSha256, testLoss, testedStep, bestStep, bestLoss } = await one;
  const result = { parametersSha256, testLoss, testedStep, bestStep, bestLoss };
  return { result, evaluations: evaluationsIn(runFolder) };
}

/** What a run measured of each version on each split, in the order of the last time. */
function evaluationsIn(runFolder: string) {
  const lines = readFileSync(join(runFolder, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const found = lines
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'evaluation')
    .map(({ time: _time, ...evaluation }) => evaluation);
  return new Map(found.map((one) => [`version ${one.version} on ${one.split}`, one]));
}

const NAMES = Object.keys(RECIPES) as (keyof typeof RECIPES)[];

it.each(NAMES.filter((name) => runsAllProofs || name === MIXED))(
  '%s: a run of two workers that is killed and resumed with three ends with the bits of one worker',
  async (name) => {
    const args = [...argumentsOf(RECIPES[name]), '--workers', '2'];
    const runFolder = join(folder, `${name} killed`);
    const before = new TesseraProcess(['train', ...args, '--run-folder', runFolder]);
    const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    await statusWhere(address, (status) => status.step >= 8 && status.parametersVersion >= 7);
    before.kill('SIGKILL');
    expect((await before.ended).signal).toBe('SIGKILL');
    const resumed = await train(args, '--resume', runFolder, '--workers', '3');
    const { result, evaluations } = await expectedOf(name);
    expect(resumed).toMatchObject(result);
    expect(evaluationsIn(runFolder)).toEqual(evaluations);
  },
);

longIt('features that are computed again in every epoch make the same run', async () => {
  const off = ['--set', 'training.cacheFeatures=off', '--run-folder', join(folder, 'anew')];
  const anew = await train(argumentsOf(RECIPES[FROZEN]), '--workers', '1', ...off);
  expect(anew).toMatchObject((await expectedOf(FROZEN)).result);
});
