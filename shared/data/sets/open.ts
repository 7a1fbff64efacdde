/** @file Opens the data set that a config names. */
import { resolve } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import type { DataConfig } from '../options.ts';
import { isFolderName } from '../options.ts';
import type { DataSource } from '../source.ts';
import { type DataSet, dataSourceOf } from './collection.ts';
import { openIdx } from './idx.ts';
import { openImageFolder } from './image-folder.ts';
import { openMnist } from './mnist.ts';
import { withValidation } from './named-validation.ts';

/**
 * Opens a data set. A set without a test split is divided by `data.testFraction` and the seed; `data.validation`
 * decides the validation split.
 *
 * Throws  DATA_INVALID when it is missing or invalid; CONFIG_INVALID when its path is missing.
 */
export async function openDataSource(
  config: DataConfig,
  options: { readonly seed: number; readonly baseFolder: string },
): Promise<DataSource> {
  const { testFraction, validation } = config;
  const source = dataSourceOf(await openSet(config, options.baseFolder), {
    testFraction,
    validation,
    seed: options.seed,
  });
  if (source.size.train > 0) return source;
  throw new TesseraError(
    'DATA_INVALID',
    `data.testFraction ${testFraction} leaves nothing to train`,
    {
      hint: 'choose a smaller one, such as 0.2',
    },
  );
}

async function openSet(config: DataConfig, baseFolder: string): Promise<DataSet> {
  if (config.source === 'mnist') return await openMnist();
  if (config.source === 'program') {
    throw new TesseraError('CONFIG_INVALID', 'data.source program: this data set is in no file', {
      hint: 'the program that has it starts the run: train(config, { dataSource })',
    });
  }
  if (config.path === undefined) {
    throw new TesseraError('CONFIG_INVALID', `data.source ${config.source} needs data.path`, {
      hint: 'set data.path to the folder of the data set, relative to the config file',
    });
  }
  const folder = resolve(baseFolder, config.path);
  if (config.source === 'idx') return await openIdx(folder);
  const set = await openImageFolder(folder, config.links);
  const { validation } = config;
  if (!isFolderName(validation)) return set;
  return await withValidation(set, {
    name: validation,
    folder,
    baseFolder,
    links: config.links,
  });
}
