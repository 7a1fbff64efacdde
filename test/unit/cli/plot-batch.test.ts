/** @file A picture of a batch shows what training gets, however much of it is shown. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { plotBatch } from '../../../cli/plot/batch.ts';
import { mixedTitle } from '../../../tools/sheets/batch.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-batch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function imagesOf(count: number): Promise<string[]> {
  const out = join(folder, `${count}.svg`);
  const set = ['data.augment.mixup=1', 'training.microBatch=8'];
  await plotBatch({ config: 'quickstart', set, epoch: 1, count, out });
  return readFileSync(out, 'utf8').match(/base64,[^"]+/g) ?? [];
}

it('the first images are mixed with the same others when more are shown', async () => {
  const [few, many] = [await imagesOf(12), await imagesOf(16)];
  expect(few).toHaveLength(12);
  expect(many).toHaveLength(16);
  expect(many).toEqual(expect.arrayContaining(few));
});

it('leaves out what cannot be read, as a run does, unless data.onBadImage is fail', async () => {
  const png = await sharp({ create: { width: 28, height: 28, channels: 3, background: '#48a' } })
    .png()
    .toBuffer();
  for (const name of ['a', 'b']) {
    mkdirSync(join(folder, 'set', name), { recursive: true });
    for (const at of [1, 2, 3]) writeFileSync(join(folder, 'set', name, `${at}.png`), png);
  }
  writeFileSync(join(folder, 'set/a/1.png'), 'junk');
  const out = join(folder, 'set.svg');
  const set = ['data.source=image-folder', `data.path=${join(folder, 'set')}`];
  set.push('data.testFraction=0.4', 'data.validation=none', 'training.batchSize=4');
  set.push('training.microBatch=4', 'data.onBadImage=skip', 'seed=SEED');
  let fewest = 4;
  for (const seed of [1, 2, 3]) {
    const some = set.map((text) => text.replace('SEED', String(seed)));
    await plotBatch({ config: 'quickstart', set: some, epoch: 1, count: 4, out });
    const tiles = readFileSync(out, 'utf8').match(/base64,/g) ?? [];
    fewest = Math.min(fewest, tiles.length);
  }
  expect(fewest).toBe(3);
});

it('mixed labels: the larger share first, a class once, and nothing of 0 %', () => {
  const classes = ['pizza', 'steak'];
  const titleOf = (own: number, label = 0, other = 1) =>
    mixedTitle(
      [
        { label, share: own },
        { label: other, share: 1 - own },
      ],
      classes,
    );
  expect(titleOf(0.25)).toEqual({ title: '75.0% steak', note: '25.0% pizza' });
  expect(titleOf(0.6)).toEqual({ title: '60.0% pizza', note: '40.0% steak' });
  expect(titleOf(0.6, 1, 1)).toEqual({ title: 'steak' });
  expect(titleOf(0.9999)).toEqual({ title: 'pizza' });
  expect(titleOf(0)).toEqual({ title: 'steak' });
  expect(mixedTitle([{ label: 1, share: 1 }], classes)).toEqual({ title: 'steak' });
});
