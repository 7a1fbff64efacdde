/** @file `train()` in a program of its own: typed events, results, a stop, a resume, and a process that stays clean. */
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder, WatchedProcess } from '../support/cluster.ts';

const INDEX = resolve(import.meta.dirname, '../../dist/index.js');
const PROGRAM = join(import.meta.dirname, 'train-program.mjs');

it('a program trains with its own data set, stops a run and resumes it, and says nothing itself', async () => {
  const folder = scratchFolder();
  const program = new WatchedProcess([process.execPath, PROGRAM, INDEX, folder], { cwd: folder });
  const { code, stdout, stderr } = await program.ended;
  expect([code, stderr]).toEqual([0, '']);
  const facts = JSON.parse(stdout);
  expect(facts).toMatchObject({
    result: { steps: 8, epochs: 2, testAccuracy: 1, workers: 1, runFolder: join(folder, 'first') },
    notices: [],
    isClean: true,
    stopped: [true, 'CANCELLED'],
  });
  expect(facts.resumedFrom).toBeGreaterThan(0);
  expect(facts.resumedAt).toBe(facts.resumedFrom + 1);
  // The program, its observer and metrics.jsonl get the same events.
  expect(facts.read).toEqual(facts.observed);
  const kinds = ['data', 'worker', 'phase', 'step', 'evaluation', 'checkpoint', 'ended'];
  // A report of the workers comes every ten seconds, which such a run does not always take.
  const heard = facts.read.filter((type: string) => type !== 'workers');
  expect(new Set(heard)).toEqual(new Set(kinds));
  expect(facts.read.filter((type: string) => type === 'step')).toHaveLength(8);
});
