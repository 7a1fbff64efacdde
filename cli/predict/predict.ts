/** @file `tessera predict`: what images show, by a trained model. */
import { join } from 'node:path';
import type { Program } from '../../shared/compute/program.ts';
import { mapAtMost } from '../../shared/core/concurrency.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { decodeWhole, type Look } from '../../shared/data/pipeline/decode.ts';
import {
  createImagePipeline,
  IMAGES_AT_ONCE,
  type ImagePipeline,
} from '../../shared/data/pipeline/pipeline.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { DECODABLE_NAMES } from '../../shared/files/image-kind.ts';
import { findImages, type ImageInput, pictureNames } from '../../tools/inference/image-files.ts';
import { compileModel, openModel, type TrainedModel } from '../../tools/inference/open-model.ts';
import { bestGuesses, brokenAnswers, type Guess } from '../../tools/inference/top-classes.ts';
import type { RgbImage } from '../../tools/pictures/image.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { leftOutLines } from '../inputs/found-lines.ts';
import { print, printJson, say, someOf, Warnings } from '../terminal/output.ts';
import { formatPercent, formatTable } from '../terminal/table.ts';

/** Flags of `predict`. */
export interface PredictOptions {
  /** Files, folders, or `-` for one image on stdin. */
  readonly images: readonly string[];
  /** The newest run unless given. */
  readonly checkpoint?: string;
  readonly top: number;
  /** Folder for a picture of each image with its label. */
  readonly out?: string;
  /** Names of the classes, for weights that have none. */
  readonly classes?: string;
  /** Attention heads, for weights that do not tell. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly json?: true;
}

interface Prediction {
  readonly image: string;
  readonly guesses: readonly Guess[];
  /** The picture that was written. */
  readonly picture?: string;
}

/** Longer side of a picture. */
const PICTURE_PIXELS = 640;

/**
 * Shows the likeliest classes of each image.
 *
 * Throws  after the others were shown, DATA_INVALID when some cannot be read, NON_FINITE when the model answers NaN.
 */
export async function runPredict(options: PredictOptions): Promise<void> {
  const { inputs, leftOut } = await findImages(options.images, options.set);
  for (const line of leftOutLines(inputs.length, leftOut)) say(line);
  const trained = await openModel(options.checkpoint, {
    classesFile: options.classes,
    heads: options.heads,
    weightsKey: options.weightsKey,
    set: options.set,
  });
  for (const note of trained.notes) say(note);
  const program = await compileModel(trained, trained.config);
  try {
    if (options.out !== undefined) await makeFolder(options.out);
    const found = await predictAll({ program, trained, options, inputs });
    const { predictions, unreadable, notFinite } = found;
    if (options.json) printJson({ schema: 'predict/1', ...found, leftOut });
    else print(tableOf(predictions));
    if (options.out !== undefined) say(`${predictions.length} pictures in ${options.out}`);
    if (notFinite.length > 0)
      throw brokenAnswers(trained.modelPath, notFinite, 'they have no class');
    if (unreadable.length === 0) return;
    throw new TesseraError(
      'DATA_INVALID',
      `${unreadable.length} of ${inputs.length} images cannot be read: ${someOf(unreadable)}`,
      { hint: `give paths of ${DECODABLE_NAMES} files` },
    );
  } finally {
    await program.dispose();
  }
}

interface Job {
  readonly program: Program;
  readonly trained: TrainedModel;
  readonly options: PredictOptions;
  readonly inputs: readonly ImageInput[];
}

/** Predicts a leaf at a time, so that memory does not grow with the number of images. */
async function predictAll({ program, trained, options, inputs }: Job) {
  const { config, model, classes } = trained;
  const { microBatch } = config.training;
  const imageFloats = model.channels * model.imageSize ** 2;
  const pipeline = createImagePipeline(config.data, {
    imageSize: model.imageSize,
    seed: config.seed,
  });
  const pictures = options.out === undefined ? undefined : pictureNames(inputs);
  const predictions: Prediction[] = [];
  const unreadable: string[] = [];
  const notFinite: string[] = [];
  const warnings = new Warnings();
  for (let first = 0; first < inputs.length; first += microBatch) {
    const some = inputs.slice(first, first + microBatch);
    // The program has one shape: places without an image stay black.
    const images = new Float32Array(microBatch * imageFloats);
    const views = await mapAtMost(IMAGES_AT_ONCE, some, (input, place) => {
      const target = images.subarray(place * imageFloats, (place + 1) * imageFloats);
      return load(input, { pipeline, target, warnings, out: options.out, look: config.data });
    });
    const logits = await program.predict(images);
    for (const [place, { name }] of some.entries()) {
      const view = views[place];
      if (view === undefined) {
        unreadable.push(name);
        continue;
      }
      const own = logits.subarray(place * classes.length, (place + 1) * classes.length);
      const picture = pictures && join(options.out ?? '', pictures[first + place] ?? '');
      if (firstNonFinite(own) >= 0) notFinite.push(name);
      else {
        const guesses = bestGuesses(own, classes, options.top);
        predictions.push(await drawn({ image: name, guesses }, picture, view));
      }
    }
  }
  warnings.close();
  return { predictions, unreadable, notFinite };
}

/** A prediction with its picture, where one is wanted. */
async function drawn(
  prediction: Prediction,
  picture: string | undefined,
  view: RgbImage | typeof NOT_DRAWN,
): Promise<Prediction> {
  if (picture === undefined) return prediction;
  if (view !== NOT_DRAWN) await drawPrediction(picture, view, prediction.guesses);
  return { ...prediction, picture };
}

/** What is loaded of an image when no picture of it is wanted. */
const NOT_DRAWN = 'not drawn';

/**
 * Loads an image into its place and answers what a picture shows of it, so that its file need not stay in memory; says
 * why when it cannot be read.
 */
async function load(
  { name, read }: ImageInput,
  how: {
    readonly pipeline: ImagePipeline;
    readonly target: Float32Array;
    readonly warnings: Warnings;
    /** Where pictures go, and the colours that the model sees. */
    readonly out: string | undefined;
    readonly look: Look;
  },
): Promise<RgbImage | typeof NOT_DRAWN | undefined> {
  const { pipeline, target, warnings, out, look } = how;
  try {
    const sample = { index: 0, label: 0, name, raw: undefined, bytes: await read() };
    await pipeline.load(sample, undefined, target);
    if (out === undefined) return NOT_DRAWN;
    return await decodeWhole(sample, { ...look, sideMax: 2 * PICTURE_PIXELS });
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    // The machine's own faults are not the image's.
    if (error.code === 'SYSTEM') throw error;
    warnings.give(error.sentence);
    return undefined;
  }
}

/** The image, upright, with the likeliest class and its probability as its title. */
async function drawPrediction(
  path: string,
  image: RgbImage,
  guesses: readonly Guess[],
): Promise<void> {
  const [best, ...others] = guesses.map(
    (guess) => `${guess.class} ${formatPercent(guess.probability)}`,
  );
  const tile = { image, title: best ?? '', note: others.slice(0, 4).join('   ') };
  await writePicture(
    path,
    await sheet([tile], { columns: 1, tileSize: PICTURE_PIXELS, scale: 1.5 }),
  );
}

function tableOf(predictions: readonly Prediction[]): readonly string[] {
  const rows = predictions.flatMap(({ image, guesses }) =>
    guesses.map((guess) => [image, guess.class, formatPercent(guess.probability)]),
  );
  return formatTable(
    [{ title: 'IMAGE' }, { title: 'CLASS' }, { title: 'PROBABILITY', align: 'right' }],
    rows,
  );
}
