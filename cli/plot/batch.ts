/** @file `tessera plot batch`: training images as the model gets them, augmented and mixed, with their labels. */
import { requireInputs } from '../../shared/config/absent-inputs.ts';
import { fittingConfig } from '../../shared/config/fitting.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { trainingLeaves } from '../../tools/blocks/training-leaves.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { type BatchTile, batchTiles } from '../../tools/sheets/batch.ts';
import { print, Warnings } from '../terminal/output.ts';

/** Flags of `plot batch`. */
export interface BatchOptions {
  readonly config: string;
  readonly set?: string[];
  /** Counted from 1. */
  readonly epoch: number;
  readonly count: number;
  readonly out: string;
}

const COLUMNS = 8;

/** Draws the first images of an epoch's first batch. Throws  CONFIG_INVALID, DATA_INVALID. */
export async function plotBatch(options: BatchOptions): Promise<void> {
  const { baseFolder, inputs, ...loaded } = await loadConfig(options.config, {
    set: options.set ?? [],
  });
  requireInputs(inputs.filter(({ kind }) => kind === 'data'));
  const { seed, data } = loaded.config;
  const source = await openDataSource(data, { seed, baseFolder });
  const config = fittingConfig(loaded.config, { samples: source.size.train });
  const { imageSize } = config.model;
  const pipeline = createImagePipeline(data, { imageSize, seed });
  const warnings = new Warnings();
  const tiles: BatchTile[] = [];
  // Whole leaves: images are mixed with others of their leaf, whatever is shown of it.
  const isBad = ({ code }: TesseraError) => data.onBadImage !== 'fail' && code !== 'INTERNAL';
  const place = { epoch: options.epoch - 1, batch: 0 };
  let left = options.count;
  for await (const leaf of trainingLeaves({ config, source, pipeline, isBad }, place)) {
    const { samples, bad } = leaf;
    for (const { error } of bad) warnings.give(error.sentence);
    const shown = Math.min(samples.length, left);
    left -= shown;
    tiles.push(...batchTiles(leaf, shown, { classes: source.classes, imageSize, data }));
    if (left <= 0) break;
  }
  warnings.close();
  if (tiles.length === 0) {
    throw new TesseraError('DATA_INVALID', 'not one of these images can be read', {
      hint: 'show more of them with --count, or another epoch',
    });
  }
  // By class, so that one that is wrong among its like stands out.
  tiles.sort((one, other) => one.label - other.label);
  const title = `${config.name}: epoch ${options.epoch}, the first ${tiles.length} images by class`;
  await writePicture(options.out, await sheet(tiles, { columns: COLUMNS, tileSize: 130, title }));
  print([options.out]);
}
