/** @file `tessera plot batch`: training images as the model gets them, augmented and mixed, with their labels. */
import { loadConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { mixesImages } from '../../shared/data/options.ts';
import { mixImages, planMixing } from '../../shared/data/pipeline/mixing.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { batchIndices } from '../../shared/data/sampler.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { imageOf } from '../../tools/pictures/image.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { requireInputs } from '../inputs/inputs.ts';
import { print, Warnings } from '../terminal/output.ts';
import { formatPercent } from '../terminal/table.ts';

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
  const weights = new Float32Array(samples.length).fill(1);
  const warnings = new Warnings();
  for (const [place, index] of samples.entries()) {
    labels.push(source.label('train', index));
    try {
      await pipeline.load(await source.read('train', index), epoch, view(place));
    } catch (error) {
      // As in a run: an image that cannot be read counts for nothing, and is mixed with none.
      if (data.onBadImage === 'fail' || !(error instanceof TesseraError)) throw error;
      warnings.give(error.sentence);
      weights[place] = 0;
    }
  }
  const shares = mixesImages(config) ? mixLeaves() : [];
  warnings.close();
  const tiles = labels.slice(0, options.count).flatMap((label, place) => {
    if (weights[place] === 0) return [];
    const parts = shares[place] ?? [{ label, share: 1 }];
    return { image: imageOf(view(place), imageSize, data), ...mixedTitle(parts, source.classes) };
  });
  if (tiles.length === 0) {
    throw new TesseraError('DATA_INVALID', 'not one of these images can be read', {
      hint: 'show more of them with --count, or another epoch',
    });
  }
  const title = `${config.name}: epoch ${options.epoch}, the first ${tiles.length} images`;
  await writePicture(options.out, await sheet(tiles, { columns: COLUMNS, tileSize: 130, title }));
  print([options.out]);

  /** Mixes leaf by leaf, as workers do; answers what each image is made of. */
  function mixLeaves(): LabelShare[][] {
    const made: LabelShare[][] = [];
    for (let first = 0; first < samples.length; first += training.microBatch) {
      const leaf = samples.subarray(first, first + training.microBatch);
      const plan = planMixing(data.augment, { seed, epoch, samples: leaf, imageSize });
      const some = images.subarray(first * imageFloats, (first + leaf.length) * imageFloats);
      const own = mixImages(
        { images: some, weights: weights.subarray(first, first + leaf.length) },
        plan,
        imageSize,
      );
      for (const [place, { partner }] of plan.entries()) {
        const share = own[place] ?? 1;
        const [label, other] = [place, partner].map((at) => labels[first + at] as number);
        made.push([
          { label: label as number, share },
          { label: other as number, share: 1 - share },
        ]);
      }
    }
    return made;
  }
}

/** A class that an image is partly of. */
interface LabelShare {
  readonly label: number;
  readonly share: number;
}

/** What an image is made of: the larger share first, one class once, and nothing that shows as 0 %. */
export function mixedTitle(
  parts: readonly LabelShare[],
  classes: readonly string[],
): { readonly title: string; readonly note?: string } {
  const shares = new Map<number, number>();
  for (const { label, share } of parts) shares.set(label, (shares.get(label) ?? 0) + share);
  const [first, ...others] = [...shares]
    .map(([label, share]) => [classes[label] ?? '', formatPercent(share), share] as const)
    .filter(([, shown]) => shown !== formatPercent(0))
    .toSorted(([, , one], [, , other]) => other - one);
  if (first === undefined) return { title: '' };
  if (others.length === 0) return { title: first[0] };
  const [title = '', note = ''] = [first, ...others].map(([name, shown]) => `${shown} ${name}`);
  return { title, note };
}
