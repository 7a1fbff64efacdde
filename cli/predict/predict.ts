/** @file `tessera predict`: what images show, by a trained model. */

import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import { formatPercent } from '../../shared/core/units.ts';
import { decodeWhole } from '../../shared/data/pipeline/decode.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { DECODABLE_NAMES } from '../../shared/files/image-kind.ts';
import { findImages, pictureNames } from '../../tools/inference/image-files.ts';
import { Model, type Prediction } from '../../tools/inference/model.ts';
import { type ImageInput, notFiniteError } from '../../tools/inference/predict.ts';
import { bestGuesses, type Guess } from '../../tools/inference/top-classes.ts';
import type { RgbImage } from '../../tools/pictures/image.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { leftOutLines } from '../inputs/found-lines.ts';
import { readNamedModel, sayNotes } from '../inputs/model.ts';
import { print, printJson, say, Warnings } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

/** Flags of `predict`. */
export interface PredictOptions {
  /** Files, folders, or `-` for one image on stdin. */
  readonly images: readonly string[];
  /** The newest run unless given. */
  readonly checkpoint?: string;
  readonly top: number;
  /** Folder for a picture of each image with its label. */
  readonly out?: string;
  /** Averages with mirror images. */
  readonly tta?: true;
  /** Names of the classes, for weights that have none. */
  readonly classes?: string;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly json?: true;
}

/** A prediction and the picture that was written of it. */
type Shown = Prediction & { readonly picture?: string };

/** Longer side of a picture. */
const PICTURE_PIXELS = 640;

/**
 * Shows the likeliest classes of each image.
 *
 * Throws  after the others were shown, DATA_INVALID when some cannot be read, NON_FINITE when the outputs are NaN.
 */
export async function runPredict(options: PredictOptions): Promise<void> {
  const { images, checkpoint, classes, heads, weightsKey, set, out } = options;
  const { inputs, leftOut } = await findImages(images, set);
  for (const line of leftOutLines(inputs.length, leftOut)) say(line);
  const trained = await readNamedModel(checkpoint, { classes, heads, weightsKey, set });
  sayNotes(trained, 'pixels');
  const model = await Model.start(trained, { tta: options.tta });
  const { precision } = trained.config.training;
  if (precision !== 'f32') say(`computing in ${precision}: ${model.engine}`);
  try {
    if (out !== undefined) await makeFolder(out);
    const found = await predictAll(model, inputs, options);
    const { predictions, unreadable, notFinite } = found;
    if (options.json) printJson({ schema: 'predict/1', ...found, leftOut });
    else print(tableOf(predictions));
    const { length } = predictions;
    if (out !== undefined) say(`${length} ${length === 1 ? 'picture' : 'pictures'} in ${out}`);
    if (notFinite.length > 0) throw notFiniteError(model.path, notFinite, 'they have no class');
    if (unreadable.length === 0) return;
    throw new TesseraError(
      'DATA_INVALID',
      `${unreadable.length} of ${inputs.length} images cannot be read: ${someOf(unreadable)}`,
      { hint: `give paths of ${DECODABLE_NAMES} files` },
    );
  } finally {
    await model.close();
  }
}

/** Predicts all images; those that cannot be read are said, and pictures are drawn as they come. */
async function predictAll(
  model: Model,
  inputs: readonly ImageInput[],
  { top, out }: PredictOptions,
) {
  const pictures =
    out === undefined ? undefined : pictureNames(inputs).map((name) => join(out, name));
  const look = { ...model.trained.config.data, sideMax: 2 * PICTURE_PIXELS };
  // Taken from the sample that the model gets, so that its file need not stay in memory.
  const views = new Map<number, RgbImage>();
  const results = model.results(
    inputs,
    pictures && (async (sample, place) => void views.set(place, await decodeWhole(sample, look))),
  );
  const predictions: Shown[] = [];
  const unreadable: string[] = [];
  const notFinite: string[] = [];
  const warnings = new Warnings();
  for await (const { image, place, error, values } of results) {
    if (error?.code === 'NON_FINITE') notFinite.push(image);
    else if (error !== undefined) {
      unreadable.push(image);
      warnings.give(error.sentence);
    } else {
      const guesses = bestGuesses(values, model.classes, top);
      predictions.push(await drawn({ image, guesses }, pictures?.[place], views.get(place)));
    }
    views.delete(place);
  }
  warnings.close();
  return { predictions, unreadable, notFinite };
}

/** A prediction with its picture, where one is wanted. */
async function drawn(prediction: Prediction, picture?: string, view?: RgbImage): Promise<Shown> {
  if (picture === undefined || view === undefined) return prediction;
  await drawPrediction(picture, view, prediction.guesses);
  return { ...prediction, picture };
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
