/** @file `tessera plot batch`: training images as the model gets them, augmented and mixed, with their labels. */
import { loadConfig } from '../../shared/config/load.ts';
import { mixesImages } from '../../shared/config/rules.ts';
import { mixImages, planMixing } from '../../shared/data/mixing.ts';
import { openDataSource } from '../../shared/data/open.ts';
import { createImagePipeline } from '../../shared/data/pipeline.ts';
import { batchIndices } from '../../shared/data/sampler.ts';
import { imageOf } from '../../shared/pictures/image.ts';
import { writePicture } from '../../shared/pictures/render.ts';
import { sheet } from '../../shared/pictures/sheet.ts';
import { requireInputs } from '../inputs.ts';
import { formatPercent } from '../table.ts';
import { print } from '../talk.ts';

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
  const { config, baseFolder, inputs } = await loadConfig(options.config, {
    set: options.set ?? [],
  });
  requireInputs(inputs.filter(({ kind }) => kind === 'data'));
  const { seed, data, training } = config;
  const source = await openDataSource(data, { seed, baseFolder });
  const { imageSize } = config.model;
  const epoch = options.epoch - 1;
  const batch = batchIndices({
    ...{ seed, epoch, batch: 0 },
    numSamples: source.size.train,
    batchSize: training.batchSize,
  });
  // Whole leaves: images are mixed with others of their leaf, whatever is shown of it.
  const leaves = Math.ceil(options.count / training.microBatch);
  const samples = batch.subarray(0, leaves * training.microBatch);
  const imageFloats = data.channels * imageSize ** 2;
  const images = new Float32Array(samples.length * imageFloats);
  const view = (place: number) => images.subarray(place * imageFloats, (place + 1) * imageFloats);
  const pipeline = createImagePipeline(data, { imageSize, seed });
  const labels: number[] = [];
  for (const [place, index] of samples.entries()) {
    const sample = await source.read('train', index);
    await pipeline.load(sample, epoch, view(place));
    labels.push(sample.label);
  }
  const titles = labels.map((label) => source.classes[label] ?? '');
  const others = new Map<number, string>();
  if (mixesImages(config)) mixLeaves();
  const tiles = titles.slice(0, options.count).map((title, place) => {
    const note = others.get(place);
    return { image: imageOf(view(place), imageSize, data), title, ...(note && { note }) };
  });
  const title = `${config.name}: epoch ${options.epoch}, the first ${tiles.length} images`;
  await writePicture(options.out, await sheet(tiles, { columns: COLUMNS, tileSize: 130, title }));
  print([options.out]);

  /** Mixes leaf by leaf, as workers do, and says so in the titles. */
  function mixLeaves(): void {
    for (let first = 0; first < samples.length; first += training.microBatch) {
      const leaf = samples.subarray(first, first + training.microBatch);
      const plan = planMixing(data.augment, { seed, epoch, samples: leaf, imageSize });
      const weights = new Float32Array(leaf.length).fill(1);
      const some = images.subarray(first * imageFloats, (first + leaf.length) * imageFloats);
      const shares = mixImages({ images: some, weights }, plan, imageSize);
      for (const [place, { partner }] of plan.entries()) {
        const share = shares[place] ?? 1;
        if (share === 1) continue;
        const other = source.classes[labels[first + partner] ?? 0];
        titles[first + place] = `${formatPercent(share)} ${titles[first + place]}`;
        others.set(first + place, `${formatPercent(1 - share)} ${other}`);
      }
    }
  }
}
