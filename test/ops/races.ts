/** @file Kind 8: who reads a run while its own housekeeping removes files looks again before anything is called damaged. */
import { statusWhere, type WatchedProcess } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { dot, ENDLESS, finishedRun, set, TINY } from './tiny-run.ts';

/** Readers that are started one after another, while checkpoints come and go. */
const READERS = 6;

/** A run that writes a checkpoint at each step and removes the one before. */
async function hastyRun(stage: Stage): Promise<void> {
  const hasty = set('checkpoint.everySteps=1', 'checkpoint.keep=1', 'evaluation.everyEpochs=1');
  const train = stage.tessera([
    ...['train', ...TINY, ...ENDLESS, ...hasty, '--workers', '1', '--run-folder', 'runs/hasty'],
  ]);
  const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
  await statusWhere(address, ({ step }) => step > 2);
}

/** Reads a hasty run over and over with one command, which must find it whole each time. */
function readers(
  title: string,
  args: (turn: number) => readonly string[],
  says: readonly RegExp[],
  prepare: (stage: Stage) => Promise<unknown> = async () => {},
): Situation {
  return {
    kind: 8,
    title,
    code: 0,
    says,
    never: [/damaged|corrupt|there is no model|no such file/],
    withinS: 90,
    async play(stage) {
      await prepare(stage);
      await hastyRun(stage);
      let reader: WatchedProcess | undefined;
      for (let turn = 1; turn <= READERS; turn += 1) {
        reader = stage.tessera(args(turn));
        const { code, stderr } = await reader.ended;
        if (code !== 0) break;
        if (/damaged|corrupt/.test(stderr)) break;
      }
      return reader as WatchedProcess;
    },
  };
}

export const RACES: readonly Situation[] = [
  readers(
    'predict, six times, while a checkpoint comes and one goes at each step',
    () => ['predict', 'dot.png', '--checkpoint', 'runs/hasty'],
    [/dot\.png/],
    (stage) => dot(stage.path('dot.png')),
  ),
  readers('eval, six times, meanwhile', () => ['eval', 'runs/hasty'], [/accuracy/]),
  readers(
    'weights convert, six times, meanwhile',
    (turn) => ['weights', 'convert', 'runs/hasty', `model-${turn}.onnx`, '--to', 'onnx'],
    [/model-\d/],
  ),
  readers('runs show, six times, meanwhile', () => ['runs', 'show', 'hasty'], [/hasty/]),
  readers(
    'plot filters, six times, meanwhile',
    (turn) => ['plot', 'filters', 'runs/hasty', '--out', `filters-${turn}.png`],
    [/svg|png/],
  ),
  {
    kind: 8,
    title: 'runs list while runs are removed one after another',
    code: 0,
    says: [/last/],
    never: [/no such file|damaged/],
    async play(stage) {
      const names = Array.from({ length: 12 }, (_, index) => `run-${index}`);
      for (const name of [...names, 'last']) await finishedRun(stage.path('runs', name));
      const rm = stage.tessera(['runs', 'rm', '--yes', ...names]);
      let list = stage.tessera(['runs', 'list']);
      while (rm.child.exitCode === null) {
        const { code } = await list.ended;
        if (code !== 0) break;
        list = stage.tessera(['runs', 'list']);
      }
      const removed = await rm.ended;
      if (removed.code !== 0) throw new Error(removed.stderr);
      return list;
    },
  },
];
