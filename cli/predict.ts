/** @file `tessera predict`: what images show, by a trained model. */
import { readFile } from 'node:fs/promises';
import type { Program } from '../shared/compute/program.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { createImagePipeline, type ImagePipeline } from '../shared/data/pipeline.ts';
import { compileModel, openModel, type TrainedModel } from './checkpoint.ts';
import { bestGuesses, type Guess } from './guesses.ts';
import { formatTable } from './table.ts';
import { print, printJson, say } from './talk.ts';

/** Flags of `predict`. */
export interface PredictOptions {
  readonly images: readonly string[];
  readonly checkpoint: string;
  readonly top: number;
  readonly json?: true;
}

interface Prediction {
  readonly image: string;
  readonly guesses: readonly Guess[];
}

/**
 * Shows the likeliest classes of each image.
 *
 * Throws  DATA_INVALID after the others were shown, when some cannot be read.
 */
export async function runPredict(options: PredictOptions): Promise<void> {
  const trained = await openModel(options.checkpoint);
  const program = await compileModel(trained, trained.config);
  try {
    const { predictions, unreadable } = await predictAll({ program, trained, options });
    if (options.json) printJson({ schema: 'predict/1', predictions, unreadable });
    else print(tableOf(predictions));
    if (unreadable.length === 0) return;
    throw new TesseraError(
      'DATA_INVALID',
      `${unreadable.length} of ${options.images.length} images cannot be read: ${unreadable.join(', ')}`,
      { hint: 'give paths of JPEG, PNG or WebP files' },
    );
  } finally {
    await program.dispose();
  }
}

interface Job {
  readonly program: Program;
  readonly trained: TrainedModel;
  readonly options: PredictOptions;
}

async function predictAll({ program, trained, options }: Job) {
  const { config, model, classes } = trained;
  const { microBatch } = config.training;
  const imageFloats = model.channels * model.imageSize ** 2;
  const pipeline = createImagePipeline(config.data, {
    imageSize: model.imageSize,
    seed: config.seed,
  });
  const predictions: Prediction[] = [];
  const unreadable: string[] = [];
  for (let first = 0; first < options.images.length; first += microBatch) {
    const paths = options.images.slice(first, first + microBatch);
    // The program has one shape: places without an image stay black.
    const images = new Float32Array(microBatch * imageFloats);
    const readable = await Promise.all(
      paths.map((path, place) =>
        load(path, pipeline, images.subarray(place * imageFloats, (place + 1) * imageFloats)),
      ),
    );
    const logits = await program.predict(images);
    for (const [place, path] of paths.entries()) {
      const own = logits.subarray(place * classes.length, (place + 1) * classes.length);
      if (!readable[place]) unreadable.push(path);
      else predictions.push({ image: path, guesses: bestGuesses(own, classes, options.top) });
    }
  }
  return { predictions, unreadable };
}

/** Whether the image could be read; says why when not. */
async function load(path: string, pipeline: ImagePipeline, target: Float32Array): Promise<boolean> {
  try {
    const bytes = await readFile(path);
    const sample = { index: 0, label: 0, name: path, raw: undefined, bytes };
    await pipeline.load(sample, undefined, target);
    return true;
  } catch (thrown) {
    say(`warning: ${TesseraError.from(thrown).sentence}`);
    return false;
  }
}

function tableOf(predictions: readonly Prediction[]): readonly string[] {
  const rows = predictions.flatMap(({ image, guesses }) =>
    guesses.map((guess) => [image, guess.class, `${(guess.probability * 100).toFixed(1)}%`]),
  );
  return formatTable(
    [{ title: 'IMAGE' }, { title: 'CLASS' }, { title: 'PROBABILITY', align: 'right' }],
    rows,
  );
}
