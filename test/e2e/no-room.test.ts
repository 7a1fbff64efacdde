/** @file Where there is no room: on the disk under a log or an answer, and in a run that has all its workers. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, TesseraProcess } from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
/** A program whose errors go to a disk that is full, and one whose answer does too. */
const NO_LOG = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'];
const NO_ANSWER = ['sh', '-c', 'exec "$@" >/dev/full 2>/dev/full', 'sh'];

describe('a full disk', () => {
  const few = ['training.epochs=1', 'evaluation.everyEpochs=0'];
  const short = [...few.flatMap((setting) => ['--set', setting]), '--workers', '1'];
  const train = ['train', ...SMALL_RUN, ...short, '--json', '--run-folder'];

  longIt('under the log ends no run', async () => {
    const run = new TesseraProcess([...train, join(folder, 'no-log')], { through: NO_LOG });
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'train/1', badSamples: 0 });
  });

  longIt('under the answer lets the run end, and says that the answer is lost', async () => {
    const runFolder = join(folder, 'no-answer');
    const run = new TesseraProcess([...train, runFolder], { through: NO_ANSWER });
    expect((await run.ended).code).toBe(73);
    expect(readdirSync(join(runFolder, 'checkpoints'))).not.toHaveLength(0);
  });
});

it('a worker for which a run has no place says so, and ends with that once it has looked long enough', async () => {
  const args = ['coordinator', ...SMALL_RUN, '--set', 'limits.workersMax=1'];
  const place = ['--listen', '127.0.0.1:0', '--run-folder', join(folder, 'full')];
  // The one that has the place never computes, so the run does not end meanwhile.
  const coordinator = new TesseraProcess([...args, ...place, '--set', 'cluster.silenceMs=60000']);
  const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
  const first = new TesseraProcess(['worker', address, '--threads', '1']);
  await coordinator.printed(/joined/);
  first.kill('SIGSTOP');
  const second = new TesseraProcess(['worker', address, '--reconnect', '1s']);
  const { code, stderr } = await second.ended;
  expect(code, stderr).toBe(75);
  expect(stderr.match(/the run has 1 workers already/g)).toHaveLength(2);
  first.kill('SIGKILL');
  coordinator.kill();
  await coordinator.ended;
});
