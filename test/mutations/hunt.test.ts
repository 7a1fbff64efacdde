/**
 * @file The simulator is worth something only if it finds bugs: each planted one within 1,000 worlds.
 *
 * MUTATIONS=all plants all of them (`npm run sim:mutations`); by default two that are found soon.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { MUTATIONS } from '../sim/mutations.ts';

const REPO = resolve(import.meta.dirname, '../..');
const VITEST = join(createRequire(import.meta.url).resolve('vitest/package.json'), '../vitest.mjs');
const WORLDS_MAX = 1_000;
const SOME = ['announce-before-the-checkpoint', 'restart-beyond-the-budget'];

const planted =
  process.env['MUTATIONS'] === 'all'
    ? MUTATIONS
    : MUTATIONS.filter(({ name }) => SOME.includes(name));

it.concurrent.each(planted)('finds the bug $name', async ({ name, test }) => {
  // The worlds in their order, without those that are known for what they once found.
  const worlds = ['run', '--project', 'sim', '-t', test ?? 'every faulty world', '--color=false'];
  const hunt = spawn(process.execPath, [VITEST, ...worlds], {
    cwd: REPO,
    env: { ...process.env, NO_COLOR: '1', SIM_MUTATION: name, SIM_WORLDS: String(WORLDS_MAX) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [hunt.stdout, hunt.stderr])
    stream.on('data', (data) => (said += String(data)));
  const [code] = await once(hunt, 'close');
  const found = /world (\d+) at \d+ ms: .*/.exec(said);
  process.stdout.write(`${name}: ${found?.[0] ?? 'not found'}\n`);
  expect(code, said.slice(0, 4_000)).toBe(1);
  expect(Number(found?.[1]), said.slice(0, 4_000)).toBeLessThanOrEqual(WORLDS_MAX);
});
