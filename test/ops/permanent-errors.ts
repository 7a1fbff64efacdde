/** @file Kind 1: what cannot succeed however often it is tried ends with its own code, soon, and is told. */
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { statusWhere } from '../support/cluster.ts';
import { runOfPictures, tinyPictures } from '../support/tiny-pictures.ts';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { ENDLESS, finishedRun, inflate, poison, set, TINY } from './tiny-run.ts';

/** Trains from weights that something was done to, in `train`. */
async function fromWeights(stage: Stage, spoil: (path: string) => void) {
  await finishedRun(stage.path('before'));
  const weights = 'weights.safetensors';
  cpSync(modelOf(stage.path('before')), stage.path(weights));
  spoil(stage.path(weights));
  return set(`model.init.weights=${weights}`);
}

/** `train` with flags that let it end in an error; how long that took is measured. */
async function trainedInVain(stage: Stage, flags: readonly string[]) {
  const startedMs = Date.now();
  const train = stage.tessera([
    'train',
    ...TINY,
    ...flags,
    '--workers',
    '1',
    '--run-folder',
    'run',
  ]);
  await train.ended;
  stage.permanentSince(NOT_FINITE, 'run', startedMs);
  return train;
}

/** The model of the last checkpoint of `finishedRun`. */
function modelOf(runFolder: string): string {
  return join(runFolder, 'checkpoints', 'step-00000020', 'model.safetensors');
}

const NOT_FINITE = /NaN|infinit|not finite|overflow/i;

export const PERMANENT_ERRORS: readonly Situation[] = [
  {
    kind: 1,
    title: 'One infinity in the weights that a run begins with',
    code: 65,
    says: [/weights\.safetensors/, NOT_FINITE, /hint: /],
    async play(stage) {
      const init = await fromWeights(stage, (path) => poison(path, Number.POSITIVE_INFINITY));
      return await trainedInVain(stage, init);
    },
  },
  {
    kind: 1,
    title: 'Weights so large that the first loss overflows',
    code: 65,
    says: [/NaN|infinit|not finite|overflow/i, /hint: /],
    never: [/tessera doctor/],
    async play(stage) {
      const init = await fromWeights(stage, inflate);
      return await trainedInVain(stage, init);
    },
  },
  {
    kind: 1,
    title: 'Initial values that overflow',
    code: 65,
    says: [NOT_FINITE, /hint: /],
    async play(stage) {
      const huge = set('model.positionDeviation=3e38');
      return await trainedInVain(stage, huge);
    },
  },
  {
    kind: 1,
    title: 'An engine that this machine has not, in train',
    code: 69,
    says: [/tfjs-node/, /hint: /],
    never: [/[01] restarts? left/, /no worker is left/],
    isShort: true,
    async play(stage) {
      const startedMs = Date.now();
      const train = stage.tessera([
        ...['train', ...TINY, ...set('compute.engine=tfjs-node'), '--run-folder', 'run'],
        ...['--workers', '2'],
      ]);
      await train.ended;
      stage.permanentSince(/tfjs-node/, 'run', startedMs);
      return train;
    },
  },
  {
    kind: 1,
    title:
      'A worker whose engine is missing joins a run: it ends, the coordinator names it and continues with another',
    code: 0,
    says: [/tfjs-node/, /sha256/],
    async play(stage) {
      const { coordinator, address } = await stage.coordinator([...TINY, '--run-folder', 'run']);
      const bad = stage.tessera(['worker', address, '--engine', 'tfjs-node', '--name', 'bad']);
      const { code, stderr } = await bad.ended;
      if (code !== 69 || !/hint: /.test(stderr)) throw new Error(`the worker: ${code} ${stderr}`);
      stage.tessera(['worker', address, '--name', 'good']);
      return coordinator;
    },
  },
  {
    kind: 1,
    title: 'The data folder vanishes during a run that must not skip images',
    code: 65,
    says: [/no such file/, /hint: |data\.onBadImage/],
    async play(stage) {
      await tinyPictures(stage.path('data'));
      const train = stage.tessera([
        ...['train', ...runOfPictures('data'), ...set('data.onBadImage=fail')],
        ...['--workers', '2', '--run-folder', 'run'],
      ]);
      const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
      await statusWhere(address, ({ step }) => step > 0);
      renameSync(stage.path('data'), stage.path('gone'));
      const goneMs = Date.now();
      await train.ended;
      stage.permanentSince(/no such file/, 'run', goneMs);
      return train;
    },
  },
  {
    kind: 1,
    title: 'The folder of the data set is gone before the run begins',
    code: 65,
    says: [/nowhere/, /hint: /],
    play: async (stage) =>
      stage.tessera(['train', ...TINY, ...set('data.path=nowhere'), '--run-folder', 'run']),
  },
  {
    kind: 1,
    title: 'A worker of data.access: local has other files than the run',
    code: 65,
    says: [/data set/, /hint: /],
    async play(stage) {
      cpSync(inject('smallDigits'), stage.path('other'), { recursive: true });
      for (const part of ['images-idx3', 'labels-idx1']) {
        rmSync(stage.path('other', `train-${part}-ubyte`));
        cpSync(
          join(inject('smallDigits'), `t10k-${part}-ubyte`),
          stage.path('other', `train-${part}-ubyte`),
        );
      }
      const local = set('data.access=local');
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...local, '--run-folder', 'run'],
      ]);
      const startedMs = Date.now();
      const worker = stage.tessera(['worker', address, '--data-path', 'other']);
      await worker.ended;
      stage.permanentSince(/data set/, 'run', startedMs);
      await coordinator.printed(/data set/);
      return worker;
    },
  },
  {
    kind: 1,
    title:
      'All workers are stopped (SIGSTOP): status says that no step completes, and who holds what',
    code: 0,
    says: [/no step/i, /w-one/],
    withinS: 110,
    async play(stage) {
      // Nobody is called lost, so only the notice of the stall can tell.
      const patience = set('cluster.silenceMs=600000', 'cluster.leaseMs=600000');
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, ...patience, '--run-folder', 'run'],
      ]);
      const worker = stage.tessera(['worker', address, '--name', 'w-one']);
      await statusWhere(address, ({ step }) => step > 1);
      worker.kill('SIGSTOP');
      await coordinator.printed(/no step/i);
      return stage.tessera(['status', address]);
    },
  },
];
