/** @file `training.microBatch: auto`: where it is kept, found and refused, before anything is compiled. */
import { expect, it } from 'vitest';
import { settleNumbers } from '../../../launch/fitting.ts';
import { applySettings, loadConfig, settled } from '../../../shared/config/load.ts';
import { temporaryFolder, writeFiles } from '../../support/data.ts';

const load = (microBatch: string) =>
  loadConfig('quickstart', { set: [`training.microBatch=${microBatch}`], env: {} });
const options = { workers: 2, notify: () => expect.unreachable() };

it('a number stays as it is, also of a run that is resumed', async () => {
  const loaded = await load('16');
  const kept = { loaded, dataSource: undefined };
  expect(await settleNumbers(loaded, options)).toEqual(kept);
  expect(await settleNumbers(loaded, { ...options, resume: 'runs/one' })).toEqual(kept);
});

it('auto is a value of a config, and is refused where no run begins', async () => {
  const { config, ...loaded } = await load('auto');
  expect(config.training.microBatch).toBe('auto');
  const unknown = await temporaryFolder();
  const resumed = settleNumbers({ ...loaded, config }, { ...options, resume: unknown });
  await expect(resumed).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    sentence: expect.stringContaining('keeps the one that it began with'),
    hint: expect.stringContaining('--set training.microBatch='),
  });
  // A run that says what it began with is resumed with that.
  const runFolder = await temporaryFolder();
  await writeFiles(runFolder, { 'config.json': JSON.stringify({ training: { microBatch: 24 } }) });
  const kept = await settleNumbers({ ...loaded, config }, { ...options, resume: runFolder });
  expect(kept.loaded.config.training.microBatch).toBe(24);
  const number = settled((await load('32')).config);
  expect(() => applySettings(number, ['training.microBatch=auto'])).toThrow(
    /what fits is found when a run begins, and this is not a new run/,
  );
  await expect(load('0')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

it('a data set that was opened for its numbers is not listed again', async () => {
  const loaded = await loadConfig('quickstart', {
    set: ['training.classWeights=balanced'],
    env: {},
  });
  const { dataSource } = await settleNumbers(loaded, { ...options, notify: () => {} });
  expect(dataSource?.size.train).toBe(7600);
});
