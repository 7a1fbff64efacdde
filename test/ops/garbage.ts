/** @file Kind 9: values that are not finite are no model, the environment's faults are named as that, and what is printed to be typed works. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { statusWhere } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import { type Stage, wholeCheckpoints } from './stage.ts';
import { dot, finishedRun, poisonCheckpoint, set, TINY } from './tiny-run.ts';

/** A finished run whose checkpoints, all or only the newest, hold a NaN under good checksums. */
async function poisonedRun(stage: Stage, which: 'all' | 'newest'): Promise<void> {
  await finishedRun(stage.path('run'));
  const folder = stage.path('run', 'checkpoints');
  const names = wholeCheckpoints(folder);
  for (const name of which === 'all' ? names : names.slice(-1)) {
    await poisonCheckpoint(join(folder, name), Number.NaN);
  }
}

const NOT_FINITE = /NaN|infinit|not finite/i;

/** A network namespace with nothing in it, not even loopback. */
const NO_LOOPBACK = ['unshare', '--net'];
const FOLDER_GONE = ['sh', '-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', 'sh'];
/** Mounts of its own. */
const OWN_MOUNTS = ['unshare', '--mount', 'sh', '-c'];

function lacks(words: readonly string[]): string | undefined {
  try {
    execFileSync(words[0] as string, [...words.slice(1)], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split('\n')[0] : error;
    return `${words[0]} is not permitted here: ${why}`;
  }
}

const lacksMounts = () => lacks([...OWN_MOUNTS, 'mount -t tmpfs -o size=64k none /mnt']);

export const GARBAGE: readonly Situation[] = [
  {
    kind: 9,
    title: 'eval of a run whose checkpoints hold a NaN',
    code: 65,
    says: [NOT_FINITE, /step-\d+/, /hint: /],
    async play(stage) {
      await poisonedRun(stage, 'all');
      return stage.tessera(['eval', 'run']);
    },
  },
  {
    kind: 9,
    title: 'predict with a checkpoint that holds a NaN',
    code: 65,
    says: [NOT_FINITE, /step-\d+/, /hint: /],
    async play(stage) {
      await poisonedRun(stage, 'all');
      await dot(stage.path('dot.png'));
      return stage.tessera(['predict', 'dot.png', '--checkpoint', 'run']);
    },
  },
  {
    kind: 9,
    title:
      '--resume where the newest checkpoint holds a NaN: the one before is taken, and that is said',
    code: 0,
    says: [/skipped.+step-00000020/, NOT_FINITE, /resumes +from step 15/],
    async play(stage) {
      await poisonedRun(stage, 'newest');
      return stage.tessera(['train', '--resume', 'run', '--workers', '1']);
    },
  },
  {
    kind: 9,
    title: '--resume where all checkpoints hold a NaN: training does not silently begin again',
    code: 65,
    says: [NOT_FINITE, /hint: /],
    async play(stage) {
      await poisonedRun(stage, 'all');
      stage.keep('run/checkpoints');
      return stage.tessera(['train', '--resume', 'run', '--workers', '1']);
    },
  },
  {
    kind: 9,
    title:
      'A loss beyond any sense, every value being finite: it is said, and no version is the best',
    code: 0,
    says: [/of no use/, /best +none/],
    never: [/best +step \d+/],
    async play(stage) {
      const wild = set(
        'training.optimizer.learningRate=1e3',
        'training.batchSize=320',
        'training.schedule.warmupSteps=0',
      );
      return stage.tessera([
        ...['train', ...TINY, ...wild, '--workers', '1', '--run-folder', 'run'],
      ]);
    },
  },
  {
    kind: 9,
    title: 'The current folder was removed',
    code: 71,
    says: [/current folder|working directory/i, /hint: /],
    play: async (stage) => stage.tessera(['train', 'quickstart'], { through: FOLDER_GONE }),
  },
  {
    kind: 9,
    title: 'runs list where the current folder was removed',
    code: 71,
    says: [/current folder|working directory/i, /hint: /],
    play: async (stage) => stage.tessera(['runs', 'list'], { through: FOLDER_GONE }),
  },
  {
    kind: 9,
    title: 'Twenty file descriptors (ulimit -n 20)',
    code: 71,
    says: [/descriptor|too many open files|open files/i, /ulimit -n|hint: /],
    play: async (stage) =>
      stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run'], {
        through: ['sh', '-c', 'ulimit -n 20; exec "$@"', 'sh'],
      }),
  },
  {
    kind: 9,
    title: 'A network without loopback',
    code: 71,
    says: [/loopback|127\.0\.0\.1/i, /hint: /],
    lacks: () => lacks([...NO_LOOPBACK, 'true']),
    play: async (stage) =>
      stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run'], {
        through: NO_LOOPBACK,
      }),
  },
  {
    kind: 9,
    title: 'No room in /dev/shm and in the temporary folder: the run needs neither',
    code: 0,
    says: [/sha256/],
    lacks: lacksMounts,
    play: async (stage) =>
      stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run'], {
        env: { TMPDIR: '/dev/shm' },
        through: [...OWN_MOUNTS, `${small('/dev/shm', '4k')} exec "$@"`, 'sh'],
      }),
  },
  {
    kind: 9,
    title: 'The disk is full at the last save: it says so, and how to resume',
    code: 73,
    says: [/no (room|space)|full/i, /hint: /, /--resume/],
    lacks: lacksMounts,
    async play(stage) {
      mkdirSync(stage.path('small'));
      const train = stage.tessera(
        [
          ...['train', ...TINY, '--set', 'checkpoint.everySteps=0', '--workers', '1'],
          ...['--run-folder', 'small/run'],
        ],
        { through: [...OWN_MOUNTS, `${small('small', '300k')} exec "$@"`, 'sh'] },
      );
      await train.printed(/joined/);
      // The small disk is mounted for the run alone.
      const full = `/proc/${train.child.pid}/root${stage.path('small', 'full')}`;
      await stage.until('a full disk', () => {
        try {
          writeFileSync(full, Buffer.alloc(4096), { flag: 'a' });
          return false;
        } catch {
          return true;
        }
      });
      return train;
    },
  },
  {
    kind: 9,
    title:
      'A run folder that begins with a dash and holds spaces and quotes: the command to resume works in sh',
    code: 0,
    says: [/resumes +from step \d+/, /sha256/],
    async play(stage) {
      const odd = `-my "best" run's $HOME`;
      const train = stage.tessera([...['train', ...TINY, '--workers', '1', `--run-folder=${odd}`]]);
      const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
      await statusWhere(address, ({ step }) => step >= 6);
      train.kill('SIGTERM');
      const { stderr } = await train.ended;
      const command = /resume with: (.+ --resume .+)$/m.exec(stderr)?.[1];
      if (command === undefined) throw new Error(`no command to go on:\n${stderr}`);
      return stage.typeInShell(command);
    },
  },
  {
    kind: 9,
    title: 'The same folder: the command to evaluate that a run prints at its end works in sh',
    code: 0,
    says: [/accuracy/],
    async play(stage) {
      const odd = `-my "best" run's $HOME`;
      const train = stage.tessera([...['train', ...TINY, '--workers', '1', `--run-folder=${odd}`]]);
      const { stdout, stderr } = await train.ended;
      const command = /next +(.+ eval .+)$/m.exec(stdout + stderr)?.[1];
      if (command === undefined) throw new Error(`no command to evaluate:\n${stdout}${stderr}`);
      return stage.typeInShell(command);
    },
  },
  {
    kind: 9,
    title: 'A run folder where nothing may be written (a disk that is read-only)',
    code: 73,
    says: [/read-only/, /hint: /],
    lacks: lacksMounts,
    async play(stage) {
      mkdirSync(stage.path('fixed'));
      return stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'fixed/run'], {
        through: [...OWN_MOUNTS, `mount -t tmpfs -o ro none fixed; exec "$@"`, 'sh'],
      });
    },
  },
  {
    kind: 9,
    title: 'Files may have 15 KiB (ulimit -f), and a checkpoint has more',
    code: 73,
    says: [/ulimit -f/, /hint: /],
    play: async (stage) =>
      stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run'], {
        through: ['bash', '-c', 'ulimit -f 15; exec "$@"', 'bash'],
      }),
  },
  {
    kind: 9,
    title:
      'The folder of the checkpoints is removed during a run: it is made again, and the run says so',
    code: 0,
    says: [/checkpoints/, /sha256/],
    async play(stage) {
      const train = stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run']);
      await stage.checkpointed('run');
      rmSync(stage.path('run', 'checkpoints'), { recursive: true });
      await train.ended;
      if (wholeCheckpoints(stage.path('run', 'checkpoints')).length === 0) {
        throw new Error('there is no checkpoint');
      }
      return train;
    },
  },
  {
    kind: 9,
    title: 'No home folder, and a temporary folder that does not exist: the run needs neither',
    code: 0,
    says: [/sha256/],
    play: async (stage) =>
      stage.tessera(['train', ...TINY, '--workers', '1', '--run-folder', 'run'], {
        env: { HOME: undefined, TMPDIR: '/nowhere' },
      }),
  },
];

/** The words of a shell that put a small disk at a folder. */
function small(folder: string, size: string): string {
  return `mount -t tmpfs -o size=${size} none ${folder} &&`;
}
