/** @file Kind 2: the true cause reaches the operator, with its own code and hint, however far below it arose. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { statusWhere, type TesseraProcess } from '../support/cluster.ts';
import { MemoryGroup, memoryGroupsAreRefused } from './memory-group.ts';
import type { Situation } from './situation.ts';
import { ENDLESS, finishedRun, set, TINY } from './tiny-run.ts';

const DIVERGES = set('training.optimizer.learningRate=1e6');
const DIVERGED = /\b(NaN|infinit|not finite)/i;
/** What is said of it, and never that workers were lost. */
const DIVERGENCE = {
  code: 65,
  says: [DIVERGED, /step \d/, /learning ?rate/i, /clipNorm/],
  never: [/no worker is left/, /tessera doctor/, /[01] restarts? left/],
} as const;

/** `tessera train` with a learning rate that no model survives. */
function trainDiverges(workers: number): Situation['play'] {
  return async (stage) => {
    const startedMs = Date.now();
    const train = stage.tessera([
      ...['train', ...TINY, ...DIVERGES, '--workers', `${workers}`, '--run-folder', 'run'],
    ]);
    await train.ended;
    stage.permanentSince(/NaN/, 'run', startedMs);
    return train;
  };
}

/** The same with a coordinator and workers that are started by hand. */
function clusterDiverges(workers: number): Situation['play'] {
  return async (stage) => {
    const startedMs = Date.now();
    const { coordinator, address } = await stage.coordinator([
      ...[...TINY, ...DIVERGES, '--run-folder', 'run'],
    ]);
    const crew = Array.from({ length: workers }, () => stage.tessera(['worker', address]));
    await coordinator.ended;
    stage.permanentSince(
      /NaN/,
      'run',
      startedMs,
      crew.map(({ stderr }) => stderr),
    );
    for (const worker of crew) {
      const { code, stderr } = await worker.ended;
      if (code !== 65 || !/hint: /.test(stderr)) throw new Error(`a worker: ${code} ${stderr}`);
    }
    return coordinator;
  };
}

/** Kills the only worker of a run at its step. */
async function killWorker(train: TesseraProcess, step: number): Promise<void> {
  const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
  const { workers } = await statusWhere(
    address,
    (now) => now.step >= step && now.workers.some(({ leavesDone }) => leavesDone > 0),
  );
  process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
}

export const CAUSES: readonly Situation[] = [
  {
    kind: 2,
    title: 'Divergence in train with one worker',
    ...DIVERGENCE,
    play: trainDiverges(1),
  },
  { kind: 2, title: 'Divergence in train with two workers', ...DIVERGENCE, play: trainDiverges(2) },
  {
    kind: 2,
    title: 'Divergence with a coordinator and one worker',
    ...DIVERGENCE,
    play: clusterDiverges(1),
  },
  {
    kind: 2,
    title: 'Divergence with a coordinator and two workers',
    ...DIVERGENCE,
    play: clusterDiverges(2),
  },
  {
    kind: 2,
    title: 'Divergence, and the next morning: status of the run that ended names it too',
    code: 0,
    says: [DIVERGED],
    async play(stage) {
      await stage.tessera([
        'train',
        ...TINY,
        ...DIVERGES,
        '--workers',
        '1',
        '--run-folder',
        'runs/a',
      ]).ended;
      return stage.tessera(['status', 'runs/a']);
    },
  },
  {
    kind: 2,
    title: 'A worker is killed (SIGKILL): the signal is named, the run ends with the same bits',
    code: 0,
    says: [/SIGKILL/, /restarts? left/],
    never: [/killed by the kernel|memory limit/],
    async play(stage) {
      const calm = await finishedRun(stage.path('calm'));
      const train = stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run']);
      await killWorker(train, 3);
      await train.ended;
      const [mine, its] = [stage.path('run'), calm].map(
        (run) => /"parametersSha256":"\w+"(?![\s\S]*parametersSha256)/.exec(metricsOf(run))?.[0],
      );
      if (mine === undefined || mine !== its) throw new Error(`other bits: ${mine} for ${its}`);
      return train;
    },
  },
  {
    kind: 2,
    title: 'A worker is killed (SIGKILL) twice, and may be started again once',
    code: 69,
    says: [/SIGKILL/, /1 restart/, /hint: /, /checkpoint/],
    async play(stage) {
      const once = set('cluster.restarts=1');
      const train = stage.tessera([
        ...['train', ...TINY, ...ENDLESS, ...once, '--workers', '1', '--run-folder', 'run'],
      ]);
      await killWorker(train, 6);
      await train.printed(/starts again/);
      await killWorker(train, 7);
      await train.ended;
      stage.keep('run/checkpoints');
      return train;
    },
  },
  {
    kind: 2,
    title:
      "The kernel kills a worker for memory (a cgroup): memory is named, by the kernel's counters",
    code: 69,
    says: [/memory/i, /SIGKILL/, /hint: /],
    lacks: memoryGroupsAreRefused,
    async play(stage) {
      const group = new MemoryGroup();
      try {
        const never = set('cluster.restarts=0');
        const train = stage.tessera(
          ['train', ...TINY, ...ENDLESS, ...never, '--workers', '1', '--run-folder', 'run'],
          { through: group.through },
        );
        const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
        const { workers } = await statusWhere(address, ({ step }) => step > 2);
        await stage.until('a kill for memory', () => group.starve(workers[0]?.pid ?? 0));
        await train.ended;
        return train;
      } finally {
        await stage.until('the end of the group', () => group.remove());
      }
    },
  },
];

function metricsOf(runFolder: string): string {
  return readFileSync(join(runFolder, 'metrics.jsonl'), 'utf8');
}
