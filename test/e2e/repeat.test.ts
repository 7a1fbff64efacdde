/**
 * @file The same line over and over, killed at any moment: it always continues, and ends with the bits of a run that was
 * left alone. `npm run repeat` kills 50 times.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomUnit } from '../../shared/core/random.ts';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';

const KILLS = Number(process.env['REPEAT'] ?? 1);
const SEED = Number(process.env['REPEAT_SEED'] ?? 19);

const folder = scratchFolder();
const SETTINGS = [
  'training.epochs=2',
  'model.width=16',
  'model.depth=1',
  'checkpoint.everySteps=5',
];
const RUN = [...SMALL_RUN, ...SETTINGS.flatMap((one) => ['--set', one])];
const line = (runFolder: string) => [
  ...['train', ...RUN, '--workers', '2', '--json', '--run-folder', runFolder],
];

/** Kills a process after a time, unless it has ended by then; returns whether it was killed. */
async function killedAfter(life: TesseraProcess, ms: number): Promise<boolean> {
  const timer = setTimeout(() => life.kill('SIGKILL'), ms);
  const { signal, code, stderr } = await life.ended;
  clearTimeout(timer);
  if (signal === null) expect(code, stderr).toBe(0);
  return signal !== null;
}

describe('tessera train CONFIG --run-folder FOLDER --resume auto', () => {
  it(`continues after each of ${KILLS} kills, with the same bits, and says the same once it is done`, {
    timeout: 120_000 + KILLS * 60_000,
  }, async () => {
    const startedMs = performance.now();
    const alone = await tessera(line(join(folder, 'alone')));
    expect(alone.code, alone.stderr).toBe(0);
    const aloneMs = performance.now() - startedMs;
    const { parametersSha256 } = JSON.parse(alone.stdout);
    const runFolder = join(folder, 'repeated');
    const again = [...line(runFolder), '--resume', 'auto'];
    let kills = 0;
    let lives = 0;
    for (let runs = 1; kills < KILLS; runs += 1) {
      for (let isDone = false; !isDone; lives += 1) {
        const life = new TesseraProcess(again);
        // Once all kills are made, what is left is trained.
        const lifeMs = kills < KILLS ? aloneMs * randomUnit(SEED, 'jitter', lives) : 1e9;
        isDone = !(await killedAfter(life, lifeMs));
        if (!isDone) kills += 1;
      }
      const first = await tessera(again);
      const second = await tessera(again);
      for (const done of [first, second]) {
        expect(done.code, done.stderr).toBe(0);
        expect(done.stderr).toContain('this run is done already');
        expect(JSON.parse(done.stdout).parametersSha256).toBe(parametersSha256);
      }
      expect(second.stdout).toBe(first.stdout);
      const figures = `run ${runs}: ${kills} kills in ${lives} lives so far, the same sha256`;
      process.stdout.write(`${figures}\n`);
      rmSync(runFolder, { recursive: true });
    }
  });

  it('refuses the run of another config in the folder, and names what differs', async () => {
    const runFolder = join(folder, 'alone');
    const other = await tessera([...line(runFolder), '--resume', 'auto', '--set', 'seed=7']);
    expect(other.code).toBe(78);
    expect(other.stderr).toMatch(/seed: 42 in the checkpoint, 7 now[\s\S]*another --run-folder/);
  });
});
