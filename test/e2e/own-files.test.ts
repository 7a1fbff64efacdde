/** @file Workers that read their own files (`data.access: local`): the set must be the run's, not only as large. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';

const folder = scratchFolder();

/** Settings as they are typed. */
const settingsOf = (settings: readonly string[]) =>
  settings.flatMap((setting) => ['--set', setting]);

describe('a worker that reads its own files', () => {
  it('is refused with other classes than the run has, and told which; nothing is trained', async () => {
    const [here, there] = [join(folder, 'own-here'), join(folder, 'own-there')];
    const image = await sharp({
      create: { width: 16, height: 16, channels: 3, background: { r: 60, g: 90, b: 200 } },
    })
      .jpeg()
      .toBuffer();
    for (const [root, classes] of [
      [here, ['b', 'zz']],
      [there, ['a', 'b']],
    ] as const) {
      for (const place of ['train', 'test'].flatMap((split) => classes.map((it) => [split, it]))) {
        mkdirSync(join(root, ...place), { recursive: true });
        for (const name of ['0.jpg', '1.jpg']) writeFileSync(join(root, ...place, name), image);
      }
    }
    const coordinator = new TesseraProcess([
      ...['coordinator', 'quickstart', '--run-folder', join(folder, 'own-run')],
      ...settingsOf(['data.source=image-folder', 'data.access=local', `data.path=${there}`]),
      ...settingsOf(['data.channels=3', 'training.batchSize=4', 'training.microBatch=2']),
      ...settingsOf(['training.schedule.warmupSteps=0', 'data.validation=none']),
    ]);
    const [, address = ''] = await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/);
    const worker = await tessera(['worker', address, '--data-path', here]);
    expect(worker.code, worker.stderr).toBe(65);
    const words = 'its data set has the classes b, zz where the run has a, b';
    expect(worker.stderr).toContain(words);
    await coordinator.printed(new RegExp(words));
    coordinator.kill();
    expect((await coordinator.ended).stderr).not.toMatch(/step 1/);
  });
});
