/** @file A mirror that does not reply: a run waits for it within a budget, and then begins nothing. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { restoreFromMirror } from '../../../launch/begin/restore.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { smallConfig } from '../../support/config.ts';
import { serveFaults } from '../../support/fault-proxy.ts';
import { serveObjects } from '../../support/object-store.ts';

const config = smallConfig({});
const BUDGET = { tries: 4, pauseMs: 1, pauseMaxMs: 2 };

/** Looks into an empty mirror whose store is away for some requests. */
async function lookThrough(awayFor: number) {
  const store = await serveObjects();
  const proxy = await serveFaults(store.url, (n) => (n < awayFor ? 'unavailable' : 'none'));
  const folder = mkdtempSync(join(tmpdir(), 'tessera-restore-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
    await proxy.close();
    await store.close();
  });
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
  vi.stubEnv('AWS_ENDPOINT_URL_S3', proxy.url);
  const said: string[] = [];
  const found = await restoreFromMirror({
    config: { ...config, checkpoint: { ...config.checkpoint, mirror: 's3://runs/digits' } },
    ...{ runFolder: join(folder, 'run'), signal: undefined, budget: BUDGET },
    notify: (level, sentence) => said.push(`${level}: ${sentence}`),
  }).catch((error: unknown) => TesseraError.from(error));
  return { found, said, url: proxy.url, runFolder: join(folder, 'run') };
}

it('is waited for while the budget lasts, and that is said once', async () => {
  const { found, said } = await lookThrough(BUDGET.tries - 1);
  expect(found).toBeUndefined();
  expect(said).toEqual([
    'warn: cannot list s3://runs/digits: the store replied 503 SlowDown: trying again',
  ]);
});

it('refuses the run after that, with the store, the tries, and what to do', async () => {
  const { found, url, runFolder } = await lookThrough(BUDGET.tries);
  expect(found).toMatchObject({
    code: 'TIMEOUT',
    sentence: `cannot look for the run in s3://runs/digits at ${url} (tried 4 times): cannot list s3://runs/digits: the store replied 503 SlowDown`,
    hint: 'nothing was begun, since the run may be there: start the same line again once the store replies, or begin without a mirror: --set checkpoint.mirror=null',
  });
  expect(existsSync(join(runFolder, 'config.json'))).toBe(false);
});
