/** @file What a leaf is measured with. */
import { expect, it } from 'vitest';
import { leafSettings } from '../../../launch/replay/measure.ts';
import { openOptions } from '../../../shared/config/fitting.ts';
import { loadConfig } from '../../../shared/config/load.ts';

const OPEN = [
  ...['epochs', 'batchSize', 'microBatch', 'optimizer.learningRate'].map((it) => `${it}=auto`),
  'classWeights=balanced',
].map((setting) => `training.${setting}`);

it('leaves nothing open, whatever the config does', async () => {
  const { config } = await loadConfig('quickstart', { set: OPEN });
  expect(openOptions(config)).toHaveLength(OPEN.length);
  const set = leafSettings({
    ...{ config: 'quickstart', set: OPEN },
    ...{ batchSize: 16, microBatch: 4, workers: 2 },
  });
  const measured = await loadConfig('quickstart', { set });
  expect(openOptions(measured.config)).toEqual([]);
});
