/** @file What `train` refuses before anything is started. */
import { expect, it } from 'vitest';
import { train } from '../../../launch/train.ts';
import type { RunConfigInput } from '../../../shared/config/schema.ts';
import type { DataSource } from '../../../shared/data/source.ts';
import { gradients } from '../../support/program-data.ts';

const { config, dataSource } = gradients();
const given = (data: Partial<RunConfigInput['data']>): RunConfigInput => ({
  ...config,
  data: { ...config.data, ...data },
});

it.each<[string, RunConfigInput | string | undefined, DataSource | undefined, object]>([
  [
    'a preset that is misspelled',
    'quickstrat',
    undefined,
    { code: 'CONFIG_INVALID', hint: expect.stringContaining('did you mean quickstart?') },
  ],
  [
    'no config and no run',
    undefined,
    undefined,
    { code: 'USAGE', hint: expect.stringContaining('resume') },
  ],
  [
    'an object with a key that is not an option',
    given({ chanels: 1 } as object),
    dataSource,
    {
      code: 'CONFIG_INVALID',
      sentence: 'config data.chanels: unknown key, did you mean "channels"?',
    },
  ],
  [
    'a function in a config',
    given({ testFraction: (() => 0.2) as unknown as number }),
    dataSource,
    { code: 'CONFIG_INVALID', sentence: expect.stringMatching(/^config: .* could not be cloned/) },
  ],
  [
    'a data set of its own that workers would have to read',
    given({ access: 'local' }),
    dataSource,
    {
      code: 'CONFIG_INVALID',
      sentence:
        'config data.access: local, and worker processes cannot read a data set that a program hands in',
    },
  ],
  [
    'a validation split beside that of its own data set',
    given({ validation: 0.1 }),
    dataSource,
    { code: 'CONFIG_INVALID', hint: 'leave it at auto' },
  ],
  [
    'the config of a data set that no program hands in',
    config,
    undefined,
    { code: 'CONFIG_INVALID', hint: expect.stringContaining('train(config, { dataSource })') },
  ],
])('%s', async (_what, wrong, source, error) => {
  await expect(train(wrong, { workers: 0, dataSource: source })).rejects.toMatchObject(error);
});
