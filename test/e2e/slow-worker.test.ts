/** @file A worker that is stopped for half of the time is named, with what makes it slow: in log, status, page and metrics. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readEvents } from '../../shared/runs/lines.ts';
import { hasChromium, openPage } from '../support/chromium.ts';
import {
  PAGE,
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';

/** A step takes a few tenths of a second, so that a worker is stopped several times in each. */
const SETTINGS = [
  ...['model.width=192', 'model.depth=6', 'model.mlpWidth=768'],
  ...['training.epochs=3', 'cluster.minWorkers=2'],
].flatMap((setting) => ['--set', setting]);
const STOPPED_MS = 40;
/** Three on a quiet machine, and the one in which it begins; tests beside this one slow both workers down. */
const STEPS = 10;

it.skipIf(process.platform !== 'linux')('is named within a few steps', async () => {
  const runFolder = join(scratchFolder(), 'run');
  const coordinator = new TesseraProcess([
    ...['coordinator', ...SMALL_RUN, ...SETTINGS],
    ...['--run-folder', runFolder, '--listen', '127.0.0.1:0'],
  ]);
  const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
  const [, slow] = ['fast', 'slow'].map(
    (name) => new TesseraProcess(['worker', address, '--threads', '1', '--name', name]),
  );
  const { step: begun } = await statusWhere(address, ({ step }) => step >= 8);
  let isStopped = false;
  const timer = setInterval(() => {
    isStopped = !isStopped;
    slow?.kill(isStopped ? 'SIGSTOP' : 'SIGCONT');
  }, STOPPED_MS);
  try {
    await coordinator.printed(
      /worker\/slow takes \d\.\d times as long for an image as the other workers, most of it in /,
    );
    if (hasChromium) await isOnThePage((await coordinator.printed(PAGE))[1] as string);
  } finally {
    clearInterval(timer);
    slow?.kill('SIGCONT');
  }
  const status = await statusWhere(address, ({ workers }) =>
    workers.some(({ slow: why }) => why !== ''),
  );
  expect(status.workers.find(({ slow: why }) => why !== '')?.worker).toBe('slow');
  expect((await tessera(['stop', address])).code).toBe(0);
  await coordinator.ended;
  const [named] = await readEvents(runFolder, ['slowWorker']);
  expect(named).toMatchObject({ worker: 'slow', state: 'raised' });
  const after = (named?.step ?? Number.NaN) - begun;
  expect(after).toBeLessThanOrEqual(STEPS);
});

async function isOnThePage(url: string): Promise<void> {
  const { page } = await openPage(url);
  const why = page.locator('.lane.slow[data-worker="slow"] .why');
  await why.waitFor();
  expect(await why.textContent()).toMatch(/takes \d\.\d times as long for an image/);
  await page.close();
}
