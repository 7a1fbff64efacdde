/** @file A trace of a run in speedscope, a viewer of such files: each lane is one of its profiles. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { hasChromium, openPage, serveFolders } from '../support/chromium.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';

const SPEEDSCOPE = dirname(
  createRequire(import.meta.url).resolve('speedscope/dist/release/index.html'),
);

it.skipIf(!hasChromium)('opens in speedscope, with a profile for each lane', async () => {
  const folder = scratchFolder();
  const runFolder = join(folder, 'run');
  const trained = await tessera([
    ...['train', ...SMALL_RUN, '--workers', '1', '--run-folder', runFolder],
  ]);
  expect(trained.code, trained.stderr).toBe(0);
  expect((await tessera(['trace', runFolder])).code).toBe(0);
  const url = await serveFolders({ speedscope: SPEEDSCOPE, run: runFolder });
  const { page, strayed, faults, complaints } = await openPage(
    `${url}/speedscope/index.html#profileURL=${encodeURIComponent(`${url}/run/trace.json`)}&title=run`,
  );
  // Steps, optimizer, sum of gradients, and a worker.
  await page.getByText('(1/4)').waitFor();
  expect({ strayed, faults, complaints }).toEqual({ strayed: [], faults: [], complaints: [] });
});
