/** @file `tessera eval`: what a model gets right and wrong on the test images or another split, in this one process. */
import { join } from 'node:path';
import type { Program } from '../../shared/compute/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { mapAtMost } from '../../shared/core/concurrency.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { isSensible } from '../../shared/core/sense.ts';
import { SPLIT_WORDS, type Split } from '../../shared/core/work.ts';
import { createImagePipeline, IMAGES_AT_ONCE } from '../../shared/data/pipeline/pipeline.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { type ClassMatch, matchClasses } from '../../shared/weights/fit/classes.ts';
import { Confusion } from '../../tools/inference/confusion.ts';
import { compileModel, openModel, type TrainedModel } from '../../tools/inference/open-model.ts';
import { brokenAnswers, divergedText, softmax } from '../../tools/inference/top-classes.ts';
import { heatmap } from '../../tools/pictures/charts.ts';
import { imageOf } from '../../tools/pictures/image.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { foundJson, foundLines } from '../inputs/found-lines.ts';
import { print, printJson, say, Warnings } from '../terminal/output.ts';
import { formatPercent } from '../terminal/table.ts';
import { type Confused, classLines, confusionLines, mistakeLines } from './eval-view.ts';

/** Flags of `eval`. */
export interface EvalOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  readonly set?: string[];
  /** Attention heads, for weights that do not tell. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  /** Folder for the confusion matrix and the worst mistakes as pictures. */
  readonly out?: string;
  /** Whose images; `test` by default. */
  readonly split?: Split;
  readonly json?: true;
}

/** An image that was taken for another. */
interface Mistake extends Confused {
  readonly loss: number;
  /** Its pixels as the model saw them. */
  readonly values: Float32Array;
}

interface Evaluation {
  readonly program: Program;
  readonly config: RunConfig;
  readonly source: DataSource;
  readonly trained: TrainedModel;
  /** The model's number of each class of the data set. */
  readonly labels: readonly number[];
  readonly split: Split;
}

interface Findings {
  readonly confusion: Confusion;
  readonly badSamples: number;
  /** The worst first. */
  readonly mistakes: readonly Mistake[];
}

/** Guesses of a sample among which its class may be. */
const TOP = 5;
/** Mistakes that are shown; only these images are kept. */
const MISTAKES_MAX = 24;
/** Classes of which a matrix on a terminal can still be read. */
const MATRIX_CLASSES_MAX = 20;

/** Tests a model. Throws  USAGE for a split without images; NON_FINITE when it answers NaN; DATA_INVALID when the data set is not there or no image of it can be read. */
export async function runEval(options: EvalOptions): Promise<void> {
  const { heads, set, weightsKey } = options;
  const trained = await openModel(options.checkpoint, { heads, set, weightsKey });
  const { config, notes } = trained;
  for (const note of notes) say(note);
  const source = await openDataSource(config.data, {
    seed: config.seed,
    baseFolder: process.cwd(),
  });
  const { rowOf: labels, note } = classesOf(source, trained);
  const { split = 'test' } = options;
  if (source.size[split] === 0) {
    throw new TesseraError('USAGE', `there are no ${SPLIT_WORDS[split]} images to evaluate on`, {
      hint: 'choose another --split, or --set data.validation=0.1 for a share of the training images',
    });
  }
  const program = await compileModel(trained, config);
  try {
    for (const line of foundLines(source)) say(line);
    if (note !== undefined) say(`note: ${note}`);
    say(
      `testing ${trained.modelPath} on ${source.size[split]} ${SPLIT_WORDS[split]} images (${program.description})`,
    );
    const findings = await evaluate({ program, config, source, trained, labels, split });
    report(findings, { options, trained, source });
    if (options.out !== undefined) await draw(findings, { folder: options.out, trained, config });
  } finally {
    await program.dispose();
  }
}

/** The model's own number of each class of the data set, and what is to be said of it. Throws  CHECKPOINT_MISMATCH. */
function classesOf(source: DataSource, trained: TrainedModel): ClassMatch {
  const { classes, areClassesNamed, modelPath } = trained;
  return matchClasses({
    head: areClassesNamed ? classes : undefined,
    rows: classes.length,
    data: source.classes,
    path: modelPath,
    hint: 'point --set data.path at a data set with the classes that the model was trained on',
  });
}

async function evaluate(parts: Evaluation): Promise<Findings> {
  const { program, config, source, trained, labels, split } = parts;
  const { imageSize, channels, numClasses } = trained.model;
  const { microBatch } = config.training;
  const imageFloats = channels * imageSize ** 2;
  const pipeline = createImagePipeline(config.data, { imageSize, seed: config.seed });
  const confusion = new Confusion(numClasses);
  const mistakes: Mistake[] = [];
  const warnings = new Warnings();
  const broken: string[] = [];
  let badSamples = 0;
  for (let first = 0; first < source.size[split]; first += microBatch) {
    const count = Math.min(microBatch, source.size[split] - first);
    const images = new Float32Array(microBatch * imageFloats);
    const view = (place: number) => images.subarray(place * imageFloats, (place + 1) * imageFloats);
    const places = Array.from({ length: count }, (_, place) => place);
    const samples = await mapAtMost(IMAGES_AT_ONCE, places, (place) =>
      readable(warnings, async () => {
        const sample = await source.read(split, first + place);
        await pipeline.load(sample, undefined, view(place));
        // Without its bytes, which may be many.
        return { name: sample.name, label: labels[sample.label] as number };
      }),
    );
    const logits = await program.predict(images);
    for (const [place, sample] of samples.entries()) {
      if (sample === undefined) {
        badSamples += 1;
        continue;
      }
      const own = logits.subarray(place * numClasses, (place + 1) * numClasses);
      if (firstNonFinite(own) >= 0) {
        broken.push(sample.name);
        continue;
      }
      const { predicted, loss } = confusion.add(sample.label, own, TOP);
      if (predicted === sample.label) continue;
      const probability = softmax(own)[predicted] as number;
      const { name, label } = sample;
      keepWorst(mistakes, { name, label, predicted, probability, loss, values: view(place) });
    }
  }
  warnings.close();
  if (broken.length > 0) throw brokenAnswers(trained.modelPath, broken, 'no accuracy is shown');
  if (confusion.samples > 0) return { confusion, badSamples, mistakes };
  throw new TesseraError('DATA_INVALID', `not one of the ${SPLIT_WORDS[split]} images can be read`);
}

/** What `read` answers; undefined, and a warning, when the data are at fault. */
async function readable<T>(warnings: Warnings, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    if (error.code !== 'DATA_INVALID') throw error;
    warnings.give(error.sentence);
    return undefined;
  }
}

/** Keeps a mistake among the worst; its pixels are copied only then. */
function keepWorst(mistakes: Mistake[], mistake: Mistake): void {
  const place = mistakes.findIndex(({ loss }) => mistake.loss > loss);
  if (place < 0 && mistakes.length >= MISTAKES_MAX) return;
  const kept = { ...mistake, values: mistake.values.slice() };
  mistakes.splice(place < 0 ? mistakes.length : place, 0, kept);
  if (mistakes.length > MISTAKES_MAX) mistakes.pop();
}

function report(
  { confusion, badSamples, mistakes }: Findings,
  {
    options,
    trained,
    source,
  }: {
    readonly options: EvalOptions;
    readonly trained: TrainedModel;
    readonly source: DataSource;
  },
): void {
  const { samples, correct, loss, accuracy, topAccuracy, numClasses } = confusion;
  if (!isSensible(confusion)) say(`warning: ${divergedText(loss)}`);
  const { classes, modelPath } = trained;
  const { split = 'test' } = options;
  if (options.json) {
    printJson({
      schema: 'eval/2',
      data: foundJson(source),
      ...{ modelPath, split, samples, badSamples },
      ...{ [`${split}Loss`]: loss, [`${split}Accuracy`]: accuracy },
      ...(numClasses > TOP && { top5Accuracy: topAccuracy }),
      classes: confusion.classes.map((of, label) => ({ class: classes[label], ...of })),
      confusion: confusion.counts,
      mistakes: mistakes.map(({ values: _, ...mistake }) => ({
        ...mistake,
        label: classes[mistake.label],
        predicted: classes[mistake.predicted],
      })),
    });
    return;
  }
  const fact = (label: string, value: string) =>
    `${label.padEnd(`${split} accuracy`.length)}  ${value}`;
  print([
    fact(`${split} accuracy`, `${formatPercent(accuracy)} (${correct} of ${samples})`),
    ...(numClasses > TOP ? [fact('top 5', formatPercent(topAccuracy))] : []),
    fact(`${split} loss`, loss.toFixed(4)),
    ...(badSamples === 0 ? [] : [fact('unreadable', `${badSamples} images`)]),
    '',
    ...classLines(confusion, classes),
  ]);
  if (numClasses <= MATRIX_CLASSES_MAX) print(['', ...confusionLines(confusion, classes)]);
  if (mistakes.length > 0) print(['', ...mistakeLines(mistakes, classes)]);
}

async function draw(
  { confusion, mistakes }: Findings,
  where: { readonly folder: string; readonly trained: TrainedModel; readonly config: RunConfig },
): Promise<void> {
  const { folder, trained, config } = where;
  const { classes, model } = trained;
  await makeFolder(folder);
  const matrix = join(folder, 'confusion.png');
  const title = `Confusion matrix: ${formatPercent(confusion.accuracy)} of ${confusion.samples}`;
  const labels = { rows: classes, columns: classes, xLabel: 'predicted', yLabel: 'true' };
  await writePicture(matrix, heatmap({ title, ...labels, values: confusion.counts }));
  say(`wrote ${matrix}`);
  if (mistakes.length === 0) return;
  const tiles = mistakes.map(({ name, label, predicted, probability, values }) => ({
    image: imageOf(values, model.imageSize, config.data),
    title: `${classes[predicted]} ${formatPercent(probability)}`,
    note: `is ${classes[label]}`,
    name,
    colour: 'bad' as const,
  }));
  const path = join(folder, 'mistakes.png');
  const heading = `The ${mistakes.length} worst mistakes`;
  await writePicture(path, await sheet(tiles, { columns: 6, tileSize: 170, title: heading }));
  say(`wrote ${path}`);
}
