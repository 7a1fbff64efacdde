/** @file A run with a webhook: it is told how the run ended, and its address is in no file and no line of the log. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { train } from '../../../../launch/train.ts';
import { readRun } from '../../../../shared/runs/reader/read.ts';
import { hookServer } from '../../../support/hook-server.ts';

it('a run that is stopped says so to its webhook, keeps no address, and is listed as stopped', async () => {
  const { url, received } = await hookServer();
  const root = mkdtempSync(join(tmpdir(), 'tessera-hook-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const runFolder = join(root, 'run');
  const log: string[] = [];
  const run = await train('quickstart', {
    ...{ workers: 0, runFolder, set: [`observe.webhook=${JSON.stringify(url.href)}`] },
    log: { level: 'debug', write: (line) => void log.push(line) },
  });
  await run.stop();
  const bodies = received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  const sentence = expect.stringMatching(/^stopped: /);
  expect(bodies).toMatchObject([{ kind: 'ended', run: 'run', sentence }]);
  const { state, metrics, config } = await readRun(runFolder);
  expect(state).toBe('stopped');
  expect(metrics.ending).toMatchObject({ how: 'stopped', exit: 130, code: 'CANCELLED' });
  expect(config).toMatchObject({ observe: { webhook: '' } });
  const files = readdirSync(runFolder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(runFolder, name))
    .filter((path) => statSync(path).isFile());
  expect(files.length).toBeGreaterThan(2);
  for (const path of files) expect(readFileSync(path, 'latin1')).not.toContain('SECRET');
  expect(log.join()).not.toContain('SECRET');
});
