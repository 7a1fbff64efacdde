/** @file Kind 7: signals save and end or are ignored, as documented; an answer that is lost is told; a watcher sees what becomes of a run. */
import { statusWhere } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import { type Stage, wholeCheckpoints } from './stage.ts';
import { ENDLESS, finishedRun, TINY } from './tiny-run.ts';

/** Of Node's debugger. */
const DEBUGGER = /Debugger listening/;
const SAVED = [/checkpoint/, /resume with: .+ (train|coordinator) --resume run/];

/** Ctrl-\ is a person; the others come from schedulers, which then start the same line again. */
const codeOf = (signal: NodeJS.Signals) => (signal === 'SIGQUIT' ? 130 : 75);

/** Sends a signal to `tessera train` in the midst of a run, whose state is saved then. */
function trainGets(signal: NodeJS.Signals): Situation {
  return {
    kind: 7,
    title: `${signal} to train: it saves, says how to resume, and ends`,
    code: codeOf(signal),
    says: [new RegExp(signal), ...SAVED],
    never: [DEBUGGER],
    async play(stage) {
      const train = stage.tessera([
        ...['train', ...TINY, ...ENDLESS, '--set', 'checkpoint.everySteps=0'],
        ...['--workers', '2', '--run-folder', 'run'],
      ]);
      const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
      await statusWhere(address, ({ step }) => step > 2);
      train.kill(signal);
      await train.ended;
      if (wholeCheckpoints(stage.path('run', 'checkpoints')).length === 0) {
        throw new Error(`nothing was saved:\n${train.stderr}`);
      }
      return train;
    },
  };
}

/** Sends a signal to a coordinator. */
function coordinatorGets(signal: NodeJS.Signals): Situation {
  const isPerson = codeOf(signal) === 130;
  return {
    kind: 7,
    title: `${signal} to a coordinator: no debugger opens; it saves and ends, and its workers ${isPerson ? 'end with it' : 'look for it again'}`,
    code: codeOf(signal),
    says: [new RegExp(signal), ...SAVED],
    never: [DEBUGGER],
    async play(stage) {
      const { coordinator, worker } = await pair(stage);
      coordinator.kill(signal);
      if (isPerson) {
        const { code } = await worker.ended;
        if (code !== 130) throw new Error(`the worker ended with ${code}: ${worker.stderr}`);
        return coordinator;
      }
      await worker.printed(/is to be started again/);
      await coordinator.ended;
      const back = await stage.coordinator(['--resume', 'run']);
      await statusWhere(back.address, ({ workers }) =>
        workers.some(({ state }) => state !== 'joining'),
      );
      return coordinator;
    },
  };
}

/** Sends a signal to a worker of a run that others go on with. */
function workerGets(signal: NodeJS.Signals): Situation {
  return {
    kind: 7,
    title: `${signal} to a worker: no debugger opens; it hands back what it holds, and the run continues`,
    code: 0,
    says: [new RegExp(signal)],
    never: [DEBUGGER],
    async play(stage) {
      const { worker, address } = await pair(stage);
      const other = stage.tessera(['worker', address, '--name', 'other']);
      await statusWhere(
        address,
        ({ workers }) => workers.filter((w) => w.leavesDone > 0).length === 2,
      );
      worker.kill(signal);
      await worker.ended;
      const { step } = await statusWhere(address, () => true);
      await statusWhere(address, (now) => now.step > step + 2);
      if (other.child.exitCode !== null) throw new Error(other.stderr);
      return worker;
    },
  };
}

/** A coordinator and one worker at work. */
async function pair(stage: Stage) {
  const { coordinator, address } = await stage.coordinator([
    ...[...TINY, ...ENDLESS, '--set', 'checkpoint.everySteps=0', '--run-folder', 'run'],
  ]);
  const worker = stage.tessera(['worker', address, '--name', 'first']);
  await statusWhere(address, ({ step }) => step > 2);
  return { coordinator, worker, address };
}

/** Writes the answer of a command to a place that takes none. */
function answerTo(
  title: string,
  to: string,
  args: readonly string[],
  more: Partial<Situation> = {},
): Situation {
  return {
    kind: 7,
    title,
    code: 73,
    says: [/cannot write|stdout/],
    ...more,
    async play(stage) {
      await finishedRun(stage.path('runs', 'good'));
      return stage.tessera(args, { through: ['sh', '-c', `"$@" ${to}; exit $?`, 'sh'] });
    },
  };
}

export const SIGNALS: readonly Situation[] = [
  coordinatorGets('SIGUSR1'),
  coordinatorGets('SIGUSR2'),
  coordinatorGets('SIGTERM'),
  coordinatorGets('SIGQUIT'),
  trainGets('SIGUSR1'),
  trainGets('SIGUSR2'),
  trainGets('SIGQUIT'),
  {
    kind: 7,
    title: 'The end of the Slurm job is near: train saves before it, and ends to be started again',
    code: 75,
    says: [/time limit/, /before its time limit \(SLURM_JOB_END_TIME\)/, /resume with/],
    async play(stage) {
      // 10 s before it the run ends: some seconds are left to train.
      const end = { SLURM_JOB_END_TIME: String(Math.ceil(Date.now() / 1000) + 18) };
      const train = stage.tessera(
        ['train', ...TINY, ...ENDLESS, ...['--workers', '1', '--run-folder', 'run']],
        { env: end },
      );
      await stage.checkpointed('run');
      return train;
    },
  },
  workerGets('SIGUSR1'),
  workerGets('SIGQUIT'),
  {
    kind: 7,
    title: 'SIGUSR1 to status --watch: no debugger opens',
    code: 130,
    says: [/step/],
    never: [DEBUGGER],
    async play(stage) {
      const { address } = await pair(stage);
      const watch = stage.tessera(['status', address, '--watch']);
      await watch.printed(/step/);
      watch.kill('SIGUSR1');
      return watch;
    },
  },
  answerTo('runs list --json to a full device', '>/dev/full', ['runs', 'list', '--json'], {
    isShort: true,
  }),
  answerTo('runs list to a full device', '>/dev/full', ['runs', 'list']),
  answerTo('config show to a full device', '>/dev/full', ['config', 'show', 'quickstart']),
  answerTo('--help to a full device', '>/dev/full', ['--help']),
  answerTo('status --json to a stdout that is closed', '>&-', ['status', 'good', '--json']),
  answerTo('eval --json to a full device', '>/dev/full', ['eval', 'runs/good', '--json']),
  {
    kind: 7,
    title:
      'runs list into a pipe whose reader has gone: it ends, and not with the success of an answer',
    code: 0,
    says: [/^code [1-9]/m],
    async play(stage) {
      await finishedRun(stage.path('runs', 'good'));
      const unread = '("$@"; echo code $? >&2) | :';
      return stage.tessera(['runs', 'list', '--json'], { through: ['sh', '-c', unread, 'sh'] });
    },
  },
  {
    kind: 7,
    title: 'status --watch over a crash of the coordinator and its return',
    code: 0,
    says: [/gone|crash|lost|no answer|not answer/i, /done/],
    withinS: 90,
    async play(stage) {
      const { coordinator, address } = await stage.coordinator([...TINY, '--run-folder', 'run']);
      const watch = stage.tessera(['status', 'run', '--watch']);
      await watch.printed(/step/i);
      coordinator.kill('SIGKILL');
      await coordinator.ended;
      await watch.printed(/gone|crash|lost|no answer|not answer/i);
      const back = await stage.coordinator(['--resume', 'run']);
      if (back.address !== address) throw new Error(`it came back at ${back.address}`);
      stage.tessera(['worker', address]);
      return watch;
    },
  },
  {
    kind: 7,
    title: 'status --watch of a run that ends well',
    code: 0,
    says: [/done/],
    async play(stage) {
      const { coordinator, address } = await stage.coordinator([...TINY, '--run-folder', 'run']);
      const watch = stage.tessera(['status', 'run', '--watch']);
      await watch.printed(/step/i);
      stage.tessera(['worker', address]);
      await coordinator.ended;
      return watch;
    },
  },
];
