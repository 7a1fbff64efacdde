/** @file What a model gets right and wrong on a split of a data set. */
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { SPLIT_WORDS, type Split } from '../../shared/core/work.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { type ClassMatch, matchClasses } from '../../shared/weights/fit/classes.ts';
import { type ClassReport, Confusion } from './confusion.ts';
import { notFiniteError } from './predict.ts';
import type { TrainedModel } from './read/read-model.ts';
import { computeRows, type LeafFunction } from './rows.ts';
import { softmax } from './top-classes.ts';

/** Which images a model is tested on. */
export interface EvaluateOptions {
  /** Whose images; `test` by default. */
  readonly split?: Split | undefined;
  /** Is called for each image that cannot be read; it counts for nothing. */
  readonly onUnreadable?: ((error: TesseraError) => void) | undefined;
}

/** An image that was taken for another class. */
export interface Mistake {
  readonly name: string;
  /** Its class, and the one that the model found likeliest. */
  readonly label: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  readonly loss: number;
  /** Its pixels as the model saw them. Shapes  [C, S, S], normalised. */
  readonly pixels: Float32Array;
}

/** What an evaluation found. */
export interface Evaluation {
  readonly split: Split;
  /** Images that were tested; `badSamples` could not be read. */
  readonly samples: number;
  readonly badSamples: number;
  /** Images whose likeliest class is theirs, and their share. */
  readonly correct: number;
  readonly accuracy: number;
  /** Share of the images whose class is among the five likeliest. */
  readonly top5Accuracy: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Precision, recall and F1 of each class. */
  readonly classes: readonly (ClassReport & { readonly class: string })[];
  /** Images by true and predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** The worst first. */
  readonly mistakes: readonly Mistake[];
}

/** Guesses of a sample among which its class may be. */
const TOP = 5;
/** Mistakes that are kept. */
const MISTAKES_MAX = 24;

/**
 * The model's own number of each class of a data set, and what is to be said of it.
 *
 * Throws  CHECKPOINT_MISMATCH when the classes are others; USAGE when the split has no images.
 */
export function matchData(
  { classes, areClassesNamed, modelPath }: TrainedModel,
  source: DataSource,
  split: Split,
): ClassMatch {
  const match = matchClasses({
    head: areClassesNamed ? classes : undefined,
    rows: classes.length,
    data: source.classes,
    path: modelPath,
    hint: 'point --set data.path at a data set with the classes that the model was trained on',
  });
  if (source.size[split] > 0) return match;
  throw new TesseraError('USAGE', `there are no ${SPLIT_WORDS[split]} images to evaluate on`, {
    hint: 'choose another --split, or --set data.validation=0.1 for a share of the training images',
  });
}

/** Tests a model. Throws  as `matchData`; NON_FINITE when logits are; DATA_INVALID when no image can be read. */
export async function evaluateModel(
  trained: TrainedModel,
  logitsOf: LeafFunction,
  source: DataSource,
  { split = 'test', onUnreadable }: EvaluateOptions,
): Promise<Evaluation> {
  const { rowOf } = matchData(trained, source, split);
  const { classes, modelPath } = trained;
  const confusion = new Confusion(classes.length);
  const mistakes: Mistake[] = [];
  const broken: string[] = [];
  let badSamples = 0;
  const rows = computeRows(trained, {
    numSamples: source.size[split],
    compute: logitsOf,
    read: (index) => source.read(split, index),
  });
  for await (const row of rows) {
    if (row.error !== undefined) {
      badSamples += 1;
      onUnreadable?.(row.error);
      continue;
    }
    const name = source.name(split, row.place);
    if (firstNonFinite(row.values) >= 0) {
      broken.push(name);
      continue;
    }
    const label = rowOf[row.label] as number;
    const { predicted, loss } = confusion.add(label, row.values, TOP);
    if (predicted === label) continue;
    const probability = softmax(row.values)[predicted] as number;
    const names = { label: classes[label] as string, predicted: classes[predicted] as string };
    keepWorst(mistakes, { name, ...names, probability, loss, pixels: row.pixels });
  }
  if (broken.length > 0) throw notFiniteError(modelPath, broken, 'no accuracy is shown');
  if (confusion.samples === 0) {
    throw new TesseraError(
      'DATA_INVALID',
      `not one of the ${SPLIT_WORDS[split]} images can be read`,
    );
  }
  const { samples, correct, accuracy, topAccuracy: top5Accuracy, loss, counts } = confusion;
  return {
    ...{ split, samples, badSamples, correct, accuracy, top5Accuracy, loss },
    classes: confusion.classes.map((of, at) => ({ class: classes[at] as string, ...of })),
    ...{ confusion: counts, mistakes },
  };
}

/** Keeps a mistake among the worst; its pixels are copied only then. */
function keepWorst(mistakes: Mistake[], mistake: Mistake): void {
  const place = mistakes.findIndex(({ loss }) => mistake.loss > loss);
  if (place < 0 && mistakes.length >= MISTAKES_MAX) return;
  const kept = { ...mistake, pixels: mistake.pixels.slice() };
  mistakes.splice(place < 0 ? mistakes.length : place, 0, kept);
  if (mistakes.length > MISTAKES_MAX) mistakes.pop();
}
