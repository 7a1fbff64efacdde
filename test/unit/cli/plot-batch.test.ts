/** @file A picture of a batch shows what training gets, however much of it is shown. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { plotBatch } from '../../../cli/plots/batch.ts';

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
  expect(many.slice(0, 12)).toEqual(few);
});
