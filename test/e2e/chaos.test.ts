/** @file Promises P2 and P3 under random kills of real processes; `npm run chaos` is the long one. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { tableOf } from '../chaos/report.ts';
import { runChaos } from '../chaos/run.ts';
import { SMALL_RUN, scratchFolder, statusWhere, TesseraProcess } from '../support/cluster.ts';
import { longIt, runsAllProofs } from '../support/proofs.ts';

const folder = scratchFolder();
const KILLS = runsAllProofs ? 5 : 2;

it('a run whose processes are killed and paused at random moments loses no step and changes no bit', async () => {
  const report = await runChaos({
    seed: 4,
    kills: KILLS,
    pauses: 1,
    epochs: 1,
    // What is lost and sent again matters here, not what is learned.
    settings: runsAllProofs ? {} : { 'model.width': 16, 'model.depth': 1, 'model.heads': 2 },
    folder,
    // All of them fall, however slow the machine is.
    blowsForMs: Number.POSITIVE_INFINITY,
    endsWithinMs: 180_000,
  });
  process.stdout.write(`${tableOf(report)}\n`);
  expect(report.kills.workers + report.kills.coordinator).toBe(KILLS);
  expect(report).toMatchObject({ lostSteps: [], differentSteps: [], damagedLines: 0 });
  expect(report.parametersSha256).toBe(report.expectedSha256);
});

longIt('a run ends well although a worker hangs and never says goodbye', async () => {
  const runFolder = join(folder, 'no-goodbye');
  // Its leaves go to the other soon, but nobody calls it lost before the run ends.
  const patience = ['leaseMs=1000', 'silenceMs=60000', 'minWorkers=2'].flatMap((setting) => [
    ...['--set', `cluster.${setting}`],
  ]);
  const flags = ['--json', '--run-folder', runFolder, '--listen', '127.0.0.1:0', ...patience];
  const coordinator = new TesseraProcess(['coordinator', ...SMALL_RUN, ...flags]);
  const [address = ''] = await coordinator.printed(/127\.0\.0\.1:[1-9]\d*/);
  const workers = [1, 2].map(() => new TesseraProcess(['worker', address, '--threads', '1']));
  onTestFinished(() => {
    for (const process of [coordinator, ...workers]) process.kill();
  });
  await statusWhere(address, (s) => s.workers.filter((w) => w.leavesDone > 0).length === 2);
  workers[1]?.kill('SIGSTOP');
  const ended = await coordinator.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({ schema: 'train/1', steps: 40 });
});
