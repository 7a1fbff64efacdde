/** @file Kind 5: one bad item is marked and stands alone; the others are shown. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { finishedRun } from './tiny-run.ts';

/** The commands that look at all runs of a folder. */
const LIST = ['runs', 'list'];

/** Runs `good`, `bad` and `last`; `spoil` does something to `bad`. */
async function threeRuns(stage: Stage, spoil: (folder: string) => void): Promise<void> {
  for (const name of ['good', 'bad', 'last']) await finishedRun(stage.path('runs', name));
  stage.keep('runs/good');
  spoil(stage.path('runs', 'bad'));
}

function listed(
  title: string,
  spoil: (folder: string) => void,
  more: Partial<Situation> = {},
): Situation {
  return {
    kind: 5,
    title,
    code: 0,
    says: [/good/, /last/, /bad/],
    ...more,
    async play(stage) {
      await threeRuns(stage, spoil);
      return stage.tessera(LIST);
    },
  };
}

/** Root reads everything: the command is somebody else's, who may not. */
const AS_OTHER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

function lacksOther(): string | undefined {
  try {
    execFileSync(AS_OTHER[0] as string, [...AS_OTHER.slice(1), 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `setpriv is not permitted here: ${error instanceof Error ? error.message.trim() : error}`;
  }
}

const LINE_BYTES = 3 * 2 ** 30;

export const COLLECTIONS: readonly Situation[] = [
  {
    kind: 5,
    title: 'runs list where one run is private to another account',
    code: 0,
    says: [/good/, /last/, /bad.*(denied|permi|unread|cannot)/i],
    lacks: lacksOther,
    async play(stage) {
      await threeRuns(stage, (folder) => chmodSync(folder, 0o700));
      // The folders above are the test's own, which others may not enter.
      for (const folder of [stage.folder, join(stage.folder, '..')]) chmodSync(folder, 0o755);
      return stage.tessera(LIST, { through: AS_OTHER });
    },
  },
  listed(
    'runs list where the metrics of one run are a line of 3 GiB without an end',
    (folder) => truncateSync(join(folder, 'metrics.jsonl'), LINE_BYTES),
    { isShort: true },
  ),
  listed('runs list where the metrics of one run are a pipe without a writer', (folder) => {
    rmSync(join(folder, 'metrics.jsonl'));
    execFileSync('mkfifo', [join(folder, 'metrics.jsonl')]);
  }),
  listed('runs list where the config of one run is a folder', (folder) => {
    rmSync(join(folder, 'config.json'));
    mkdirSync(join(folder, 'config.json'));
  }),
  listed('runs list where the config of one run is cut in two', (folder) =>
    truncateSync(join(folder, 'config.json'), 100),
  ),
  listed('runs list where the last line of one run was torn by a crash', (folder) =>
    appendFileSync(join(folder, 'metrics.jsonl'), '{"time":"2026-01-01T00:00:00Z","type":"st'),
  ),
  listed('runs list where the checkpoints of one run are a link to itself', (folder) => {
    rmSync(join(folder, 'checkpoints'), { recursive: true });
    symlinkSync('checkpoints', join(folder, 'checkpoints'));
  }),
  listed('runs list where the lock of one run is garbage', (folder) =>
    writeFileSync(join(folder, 'coordinator.lock'), '\0\0\0'),
  ),
  {
    kind: 5,
    title:
      'runs compare with a run whose config is cut in two: what can be read is shown, and it does not succeed',
    code: 65,
    says: [/good/, /bad.*config\.json|config\.json.*bad/],
    async play(stage) {
      await threeRuns(stage, (folder) => truncateSync(join(folder, 'config.json'), 100));
      return stage.tessera(['runs', 'compare', 'good', 'bad']);
    },
  },
  {
    kind: 5,
    title: 'runs rm --yes of a good and a broken run removes both',
    code: 0,
    says: [/removed .*good/, /removed .*bad/],
    async play(stage) {
      for (const name of ['good', 'bad', 'last']) await finishedRun(stage.path('runs', name));
      stage.keep('runs/last');
      truncateSync(stage.path('runs', 'bad', 'config.json'), 100);
      return stage.tessera(['runs', 'rm', '--yes', 'good', 'bad']);
    },
  },
  {
    kind: 5,
    title: 'status without a name where the newest run is broken',
    code: 0,
    says: [/bad|last|good/],
    async play(stage) {
      await threeRuns(stage, (folder) => truncateSync(join(folder, 'config.json'), 0));
      return stage.tessera(['status']);
    },
  },
];
