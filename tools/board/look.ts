/** @file Looks at a checkpoint for the page: the confusion matrix, the worst mistakes, a batch as the model gets it. */
import type { RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { encodePng } from '../../shared/data/pixels/libvips.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { type Evaluation, evaluateModel } from '../inference/evaluate.ts';
import { readModel } from '../inference/read/read-model.ts';
import { compiled, IMAGES_MAX, nextLeaf } from '../look/checkpoint.ts';
import type { LookJob, LookTaker } from '../look/job.ts';
import { sampled } from '../look/sampled.ts';
import { imageOf, type RgbImage } from '../pictures/image.ts';
import { batchTiles } from '../sheets/batch.ts';
import { confusedPairs, MATRIX_CLASSES_MAX, type Pictures } from './pictures.ts';

/** Images of the batch that are shown. */
const BATCH_SHOWN = 16;

/** Sends one JSON text. Throws  what keeps the checkpoint, its data or an image from being read. */
export async function look({ folder, step }: LookJob, taker: LookTaker): Promise<void> {
  const read = await readModel(folder);
  const { data, seed } = read.config;
  if (data.source === 'program') {
    throw new TesseraError('USAGE', 'the data set is in a program, and no other process has it');
  }
  const source = await openDataSource(data, { seed, baseFolder: process.cwd() });
  const { trained, program } = await compiled(read, source);
  const split = source.size.validation > 0 ? 'validation' : 'test';
  const evaluation =
    source.size[split] === 0
      ? undefined
      : await evaluateModel(
          trained,
          (images) => program.predict(images),
          sampled(source, split, IMAGES_MAX),
          { split },
        );
  const next = await nextLeaf(trained.config, source, step);
  const { imageSize } = trained.model;
  const tiles = batchTiles(next.leaf, BATCH_SHOWN, { classes: source.classes, imageSize, data });
  const pictures: Pictures = {
    step,
    ...(evaluation && {
      evaluation: await shown(evaluation, trained.classes, { data, imageSize }),
    }),
    batch: await Promise.all(
      tiles.map(async ({ image, title = '', note = '' }) => ({
        ...{ title, note, png: await png(image) },
      })),
    ),
  };
  taker.send(Buffer.from(JSON.stringify(pictures)));
  await program.dispose();
}

async function shown(
  { split, samples, accuracy, loss, confusion, mistakes }: Evaluation,
  classes: readonly string[],
  { data, imageSize }: { readonly data: RunConfig['data']; readonly imageSize: number },
): Promise<NonNullable<Pictures['evaluation']>> {
  return {
    ...{ split, samples, accuracy, loss },
    ...(classes.length <= MATRIX_CLASSES_MAX && { matrix: { classes, counts: confusion } }),
    pairs: confusedPairs(confusion, classes),
    mistakes: await Promise.all(
      mistakes.map(async ({ name, label, predicted, probability, pixels }) => ({
        ...{ name, label, predicted, probability },
        png: await png(imageOf(pixels, imageSize, data)),
      })),
    ),
  };
}

/** In base64. */
async function png({ pixels, width, height }: RgbImage): Promise<string> {
  const bytes = await encodePng(pixels, { width, height, channels: 3 });
  return Buffer.from(bytes).toString('base64');
}
