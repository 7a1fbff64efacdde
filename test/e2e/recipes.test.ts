/** @file Promises P1 to P3 for each recipe: workers, deaths and kept features change no bit. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, statusWhere, TesseraProcess, tessera } from './cluster.ts';

const folder = scratchFolder();

const RECIPES = {
  'dropout and stochastic depth': ['model.dropout=0.1', 'model.stochasticDepth=0.2'],
  'mixup, CutMix, augmentation and erasing': [
    'data.augment={shift: 2, flip: true, mixup: 0.8, cutmix: 1, policy: trivial, erasing: 0.25}',
  ],
  'an average of the weights': ['training.averageDecay=0.9', 'training.optimizer.layerDecay=0.7'],
  'a frozen beginning': ['model.freeze=blocks<1', 'training.optimizer.name=sgd'],
  'a frozen backbone and kept features': ['model.freeze=backbone'],
} as const;

function argumentsOf(settings: readonly string[]): string[] {
  const all = ['training.epochs=2', 'checkpoint.everySteps=7', ...settings];
  return [...SMALL_RUN, '--json', ...all.flatMap((setting) => ['--set', setting])];
}

async function train(args: readonly string[], ...more: readonly string[]) {
  const ended = await tessera(['train', ...args, ...more]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

describe.each(Object.entries(RECIPES))('%s', (name, settings) => {
  const args = argumentsOf(settings);

  it('a run of two workers that is killed and resumed ends with the bits of one worker', async () => {
    const one = await train(args, '--run-folder', join(folder, `${name} one`), '--workers', '1');
    const runFolder = join(folder, `${name} killed`);
    const two = ['train', ...args, '--workers', '2', '--run-folder', runFolder];
    const before = new TesseraProcess(two);
    const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
    await statusWhere(address, (status) => status.step >= 8 && status.parametersVersion >= 7);
    before.kill('SIGKILL');
    await before.ended;
    const resumed = await train(args, '--resume', runFolder, '--workers', '2');
    expect(resumed.parametersSha256).toBe(one.parametersSha256);
    expect(resumed.testLoss).toBe(one.testLoss);
  });
});

it('features that are computed again in every epoch make the same run', async () => {
  const args = argumentsOf(RECIPES['a frozen backbone and kept features']);
  const kept = await train(args, '--run-folder', join(folder, 'kept'));
  const off = ['--set', 'training.cacheFeatures=off'];
  const anew = await train(args, ...off, '--run-folder', join(folder, 'anew'));
  expect(anew.parametersSha256).toBe(kept.parametersSha256);
  expect(anew.testLoss).toBe(kept.testLoss);
});
