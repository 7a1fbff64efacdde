/** @file `tessera eval`: a checkpoint's loss and accuracy on the test images, in this one process. */
import type { LeafInputs, Program } from '../shared/compute/program.ts';
import { applySettings } from '../shared/config/load.ts';
import type { RunConfig } from '../shared/config/schema.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { openDataSource } from '../shared/data/open.ts';
import { createImagePipeline, type ImagePipeline } from '../shared/data/pipeline.ts';
import type { DataSource } from '../shared/data/source.ts';
import { compileModel, openModel, type TrainedModel } from './checkpoint.ts';
import { formatPercent } from './table.ts';
import { print, printJson, say } from './talk.ts';

/** Flags of `eval`. */
export interface EvalOptions {
  readonly checkpoint: string;
  readonly set?: string[];
  readonly json?: true;
}

/** What an evaluation found. */
interface Totals {
  lossSum: number;
  correct: number;
  samples: number;
  badSamples: number;
}

/** Tests a checkpoint. Throws  DATA_INVALID when the data set is not there or no image of it can be read. */
export async function runEval(options: EvalOptions): Promise<void> {
  const trained = await openModel(options.checkpoint);
  const config = applySettings(trained.config, options.set ?? []);
  const source = await openDataSource(config.data, {
    seed: config.seed,
    baseFolder: process.cwd(),
  });
  checkClasses(source, trained);
  const program = await compileModel(trained, config);
  try {
    say(`testing ${trained.modelPath} on ${source.size.test} images (${program.description})`);
    report(await evaluate({ program, config, source, trained }), { options, trained });
  } finally {
    await program.dispose();
  }
}

function checkClasses(source: DataSource, { classes, modelPath }: TrainedModel): void {
  const isSame =
    source.classes.length === classes.length &&
    classes.every((name, at) => name === source.classes[at]);
  if (isSame) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${modelPath} knows the classes ${classes.join(', ')}; the data set has ${source.classes.join(', ')}`,
    { hint: 'point --set data.path at a data set with the classes that the model was trained on' },
  );
}

interface Evaluation {
  readonly program: Program;
  readonly config: RunConfig;
  readonly source: DataSource;
  readonly trained: TrainedModel;
}

async function evaluate({ program, config, source, trained }: Evaluation): Promise<Totals> {
  const { imageSize, channels } = trained.model;
  const { microBatch } = config.training;
  const pipeline = createImagePipeline(config.data, { imageSize, seed: config.seed });
  const totals: Totals = { lossSum: 0, correct: 0, samples: 0, badSamples: 0 };
  for (let first = 0; first < source.size.test; first += microBatch) {
    const leaf = emptyLeaf(microBatch, channels * imageSize ** 2);
    const end = Math.min(first + microBatch, source.size.test);
    const readable = await fillLeaf(leaf, { first, end, source, pipeline });
    const { lossSum, correct } = await program.evaluate(leaf);
    totals.lossSum += lossSum;
    totals.correct += correct;
    totals.samples += readable;
    totals.badSamples += end - first - readable;
  }
  if (totals.samples > 0) return totals;
  throw new TesseraError('DATA_INVALID', 'not one of the test images can be read');
}

function emptyLeaf(microBatch: number, imageFloats: number): LeafInputs {
  return {
    images: new Float32Array(microBatch * imageFloats),
    labels: new Int32Array(microBatch),
    weights: new Float32Array(microBatch),
  };
}

interface Slice {
  readonly first: number;
  readonly end: number;
  readonly source: DataSource;
  readonly pipeline: ImagePipeline;
}

/** Puts test images [first, end) into a leaf and answers how many could be read; the others keep weight 0. */
async function fillLeaf(
  leaf: LeafInputs,
  { first, end, source, pipeline }: Slice,
): Promise<number> {
  const imageFloats = leaf.images.length / leaf.weights.length;
  const places = Array.from({ length: end - first }, (_, place) => place);
  const outcomes = await Promise.all(
    places.map(async (place) => {
      try {
        const sample = await source.read('test', first + place);
        const target = leaf.images.subarray(place * imageFloats, (place + 1) * imageFloats);
        await pipeline.load(sample, undefined, target);
        leaf.labels[place] = sample.label;
        leaf.weights[place] = 1;
        return true;
      } catch (thrown) {
        const error = TesseraError.from(thrown);
        if (error.code !== 'DATA_INVALID') throw error;
        say(`warning: ${error.sentence}`);
        return false;
      }
    }),
  );
  return outcomes.filter(Boolean).length;
}

function report(
  { lossSum, correct, samples, badSamples }: Totals,
  { options, trained }: { readonly options: EvalOptions; readonly trained: TrainedModel },
): void {
  const testLoss = lossSum / samples;
  const testAccuracy = correct / samples;
  if (options.json) {
    const { modelPath } = trained;
    printJson({ schema: 'eval/1', modelPath, samples, badSamples, testLoss, testAccuracy });
    return;
  }
  print([
    `test accuracy  ${formatPercent(testAccuracy)} (${correct} of ${samples})`,
    `test loss      ${testLoss.toFixed(4)}`,
    ...(badSamples === 0 ? [] : [`unreadable     ${badSamples} images`]),
  ]);
}
