/** @file Kind 3: what is so now is believed before what was written once. */
import { createServer, type Server } from 'node:net';
import { statusWhere } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { ENDLESS, finishedRun, set, TINY } from './tiny-run.ts';

/** A run that was killed in the midst, with checkpoints; answers the address that it had. */
async function killedRun(stage: Stage, runFolder: string): Promise<string> {
  const train = stage.tessera([
    ...['train', ...TINY, ...ENDLESS, '--workers', '1', '--run-folder', runFolder],
  ]);
  const [, address = ''] = await train.printed(/(127\.0\.0\.1:[1-9]\d*)/);
  await stage.checkpointed(runFolder);
  train.kill('SIGKILL');
  await train.ended;
  return address;
}

/** Has a program of somebody else listen at an address, which takes connections and never says a word. */
function stranger(address: string, answer = ''): Promise<Server> {
  const [host, port] = address.split(':');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (answer !== '') socket.end(answer);
  });
  // A test that fails leaves nothing that keeps it alive.
  server.unref();
  return new Promise((done) => server.listen(Number(port), host, () => done(server)));
}

const WEB_SERVER = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** What is asked of a dead run whose port a stranger has. */
function deadRunAsked(
  title: string,
  answer: string,
  args: readonly string[],
  expected: Pick<Situation, 'code' | 'says' | 'never'>,
): Situation {
  return {
    kind: 3,
    title,
    ...expected,
    withinS: 60,
    async play(stage) {
      const address = await killedRun(stage, 'runs/dead');
      const server = await stranger(address, answer);
      const asked = stage.tessera(args);
      await asked.ended;
      server.close();
      return asked;
    },
  };
}

/** A stopped run that a coordinator goes on with, which waits for workers. */
async function resumedRun(stage: Stage): Promise<void> {
  await killedRun(stage, 'runs/live');
  stage.keep('runs/live/checkpoints');
  await stage.coordinator(['--resume', 'runs/live']);
}

export const PRESENT_STATE: readonly Situation[] = [
  {
    kind: 3,
    title: 'runs rm --yes of a run that is being resumed',
    code: 73,
    says: [/live/, /held by process \d+|still running|is being/, /hint: /],
    async play(stage) {
      await resumedRun(stage);
      return stage.tessera(['runs', 'rm', '--yes', 'live']);
    },
  },
  {
    kind: 3,
    title: 'runs rm --yes of a run that was done, and is being resumed',
    code: 73,
    says: [/live/, /held by process \d+|still running|is being/, /hint: /],
    async play(stage) {
      await finishedRun(stage.path('runs/live'));
      // The last checkpoint is gone, so there is work; the metrics end in "done".
      await stage.type(['rm', '-r', 'runs/live/checkpoints/step-00000020']).ended;
      stage.keep('runs/live/checkpoints');
      await stage.coordinator(['--resume', 'runs/live']);
      return stage.tessera(['runs', 'rm', '--yes', 'live']);
    },
  },
  {
    kind: 3,
    title: 'runs list of a run that was done, and is being resumed: it is running',
    code: 0,
    says: [/running/],
    never: [/\bdone\b/],
    async play(stage) {
      await finishedRun(stage.path('runs/live'));
      await stage.type(['rm', '-r', 'runs/live/checkpoints/step-00000020']).ended;
      await stage.coordinator(['--resume', 'runs/live']);
      return stage.tessera(['runs', 'list']);
    },
  },
  deadRunAsked(
    'runs list of a dead run on whose port a silent program listens',
    '',
    ['runs', 'list'],
    { code: 0, says: [/dead/, /stopped|killed|ended/], never: [/running/] },
  ),
  deadRunAsked(
    'status of a dead run on whose port a silent program listens',
    '',
    ['status', 'dead'],
    { code: 0, says: [/stopped|killed|without a record/, /--resume/], never: [/running/] },
  ),
  deadRunAsked('stop of a dead run on whose port a web server sits', WEB_SERVER, ['stop', 'dead'], {
    code: 0,
    says: [/has ended/],
  }),
  deadRunAsked(
    'runs rm --yes of a dead run on whose port a web server sits: nothing holds it',
    WEB_SERVER,
    ['runs', 'rm', '--yes', 'dead'],
    { code: 0, says: [/removed/] },
  ),
  {
    kind: 3,
    title: 'status of a dead run at whose port another run listens: it is not taken for this one',
    code: 0,
    says: [/dead/, /stopped|killed|without a record/],
    never: [/Run: +other-run/],
    async play(stage) {
      const address = await killedRun(stage, 'runs/dead');
      await stage.coordinator([
        ...[...TINY, ...set('name=other-run'), '--listen', address, '--run-folder', 'elsewhere'],
      ]);
      return stage.tessera(['status', 'runs/dead']);
    },
  },
  {
    kind: 3,
    title:
      'The coordinator is stopped (SIGSTOP) while status asks: it is said to live and not to answer',
    code: 69,
    says: [/answer/, /hint: |process \d+/],
    never: [/has ended|was stopped/],
    async play(stage) {
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'runs/live'],
      ]);
      await statusWhere(address, () => true);
      coordinator.kill('SIGSTOP');
      return stage.tessera(['status', 'live']);
    },
  },
  {
    kind: 3,
    title: 'runs rm --yes of a run whose coordinator is stopped (SIGSTOP)',
    code: 73,
    says: [/held by process \d+|still running|lives/, /hint: /],
    async play(stage) {
      const { coordinator } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'runs/live'],
      ]);
      stage.keep('runs/live');
      coordinator.kill('SIGSTOP');
      return stage.tessera(['runs', 'rm', '--yes', 'live']);
    },
  },
];
