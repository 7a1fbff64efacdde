/** @file Kind 4: a lock, a run and a data set are known by what is unique, never by a name that another may have too. */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { inject } from 'vitest';
import { statusWhere } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { ENDLESS, finishedRun, set, TINY } from './tiny-run.ts';

/** A container as far as processes go: its first process is number 1 of its own table; host name and network are the machine's. */
const CONTAINER = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

function lacksContainers(): string | undefined {
  try {
    execFileSync(CONTAINER[0] as string, [...CONTAINER.slice(1), 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `unshare is not permitted here: ${error instanceof Error ? error.message.trim() : error}`;
  }
}

/** A run with a checkpoint that goes on, its coordinator and one worker being processes of their own. */
async function liveRun(stage: Stage, through: readonly string[] = []) {
  const { coordinator, address } = await stage.coordinator(
    [...TINY, ...ENDLESS, '--run-folder', 'run'],
    { through },
  );
  stage.tessera(['worker', address]);
  await stage.checkpointed('run');
  return { coordinator, address };
}

/** A run with work left, whose coordinator was killed after it had gone on with it. */
async function killedRun(stage: Stage) {
  await unfinishedRun(stage, 'run');
  const { coordinator } = await stage.coordinator(['--resume', 'run']);
  coordinator.kill('SIGKILL');
  await coordinator.ended;
  return coordinator;
}

/** Takes the checkpoints of a finished run from `step` on away, so that there is work left. */
async function unfinishedRun(stage: Stage, folder: string): Promise<void> {
  await finishedRun(stage.path(folder));
  rmSync(stage.path(folder, 'checkpoints', 'step-00000020'), { recursive: true });
}

export const LOCKS: readonly Situation[] = [
  {
    kind: 4,
    title: 'A second coordinator on a live run',
    code: 73,
    says: [/held by process \d+|in use/, /hint: /],
    async play(stage) {
      await liveRun(stage);
      return stage.tessera(['coordinator', '--resume', 'run', '--listen', '127.0.0.1:0']);
    },
  },
  {
    kind: 4,
    title:
      'A second container of the same host name on a live run: no lock is stolen, the first continues',
    code: 73,
    says: [/run/, /in use|held by/, /hint: /],
    lacks: lacksContainers,
    async play(stage) {
      const { address } = await liveRun(stage, CONTAINER);
      const second = stage.tessera(['coordinator', '--resume', 'run', '--listen', '127.0.0.1:0'], {
        through: CONTAINER,
      });
      await second.ended;
      const { step } = await statusWhere(address, () => true);
      await statusWhere(address, (now) => now.step > step + 2);
      return second;
    },
  },
  {
    kind: 4,
    title: 'A container beside a run of the machine itself: no lock is stolen',
    code: 73,
    says: [/in use|held by/, /hint: /],
    lacks: lacksContainers,
    async play(stage) {
      await liveRun(stage);
      return stage.tessera(['coordinator', '--resume', 'run', '--listen', '127.0.0.1:0'], {
        through: CONTAINER,
      });
    },
  },
  {
    kind: 4,
    title:
      'A coordinator in a container was killed; another container resumes its run, once the lock is old',
    code: 0,
    withinS: 110,
    says: [/resumes +from step/, /sha256/],
    lacks: lacksContainers,
    async play(stage) {
      await unfinishedRun(stage, 'run');
      const first = await stage.coordinator(['--resume', 'run'], { through: CONTAINER });
      first.coordinator.kill('SIGKILL');
      await first.coordinator.ended;
      return stage.tessera(['train', '--resume', 'run', '--workers', '1'], { through: CONTAINER });
    },
  },
  {
    kind: 4,
    title: "The copy of a live run's folder is resumed beside it",
    code: 0,
    says: [/resumes +from step/, /sha256/],
    async play(stage) {
      await unfinishedRun(stage, 'run');
      const { coordinator } = await stage.coordinator(['--resume', 'run']);
      cpSync(stage.path('run'), stage.path('copy'), { recursive: true });
      stage.keep('run/checkpoints');
      const copy = stage.tessera([
        ...['train', '--resume', 'copy', '--workers', '1', '--listen', '127.0.0.1:0'],
      ]);
      await copy.ended;
      if (coordinator.child.exitCode !== null) throw new Error('the first coordinator has ended');
      return copy;
    },
  },
  {
    kind: 4,
    title: "The number of a killed coordinator's process is another program's now",
    code: 0,
    says: [/resumes +from step/, /sha256/],
    async play(stage) {
      const coordinator = await killedRun(stage);
      const other = stage.type(['sleep', '60']);
      const lock = stage.path('run', 'coordinator.lock');
      const text = readFileSync(lock, 'utf8');
      writeFileSync(lock, text.replace(`${coordinator.child.pid}`, `${other.child.pid}`));
      return stage.tessera(['train', '--resume', 'run', '--workers', '1']);
    },
  },
  {
    kind: 4,
    title: 'The folder of a killed run is renamed, and resumed',
    code: 0,
    says: [/resumes +from step/, /sha256/],
    async play(stage) {
      await killedRun(stage);
      renameSync(stage.path('run'), stage.path('renamed'));
      return stage.tessera(['train', '--resume', 'renamed', '--workers', '1']);
    },
  },
  {
    kind: 4,
    title: '--resume with other images under the same names and numbers',
    code: 78,
    says: [/data/, /chang|other|differ/i, /hint: /],
    async play(stage) {
      await unfinishedRun(stage, 'run');
      stage.keep('run/checkpoints');
      cpSync(inject('smallDigits'), stage.path('data'), { recursive: true });
      for (const name of readdirSync(stage.path('data'))) {
        if (!/images/.test(name)) continue;
        const bytes = readFileSync(stage.path('data', name));
        for (let at = 16; at < bytes.length; at += 1) bytes[at] = 255 - (bytes[at] as number);
        writeFileSync(stage.path('data', name), bytes);
      }
      return stage.tessera(['train', '--resume', 'run', ...set('data.path=data')]);
    },
  },
  {
    kind: 4,
    title: '--resume with one label that is another',
    code: 78,
    says: [/data/, /label|sample|chang/i, /hint: /],
    async play(stage) {
      await unfinishedRun(stage, 'run');
      cpSync(inject('smallDigits'), stage.path('data'), { recursive: true });
      const labels = stage.path('data', 'train-labels-idx1-ubyte');
      const bytes = readFileSync(labels);
      bytes[100] = ((bytes[100] as number) + 1) % 10;
      writeFileSync(labels, bytes);
      return stage.tessera(['train', '--resume', 'run', ...set('data.path=data')]);
    },
  },
  {
    kind: 4,
    title: 'Two coordinators resume one run at the same moment: one of them is refused',
    code: 73,
    says: [/held by process \d+|in use/, /hint: /],
    async play(stage) {
      await unfinishedRun(stage, 'run');
      stage.keep('run/checkpoints');
      const both = [1, 2].map(() =>
        stage.tessera(['coordinator', '--resume', 'run', '--listen', '127.0.0.1:0']),
      );
      const isOver = () => both.filter(({ child }) => child.exitCode !== null);
      await stage.until('the end of one', () => isOver().length > 0);
      const [loser, ...more] = isOver();
      if (loser === undefined || more.length > 0) throw new Error('both have ended');
      await both.find((one) => one !== loser)?.printed(/resumes/);
      return loser;
    },
  },
];
