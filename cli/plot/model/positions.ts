/** @file `tessera plot positions`: how alike position embeddings are, the ViT paper's figure 7 centre. */
import { TesseraError } from '../../../shared/core/errors.ts';
import { initialParameters } from '../../../shared/model/init.ts';
import { cosineSimilarity } from '../../../tools/inference/attention-maps.ts';
import type { TrainedModel } from '../../../tools/inference/read/read-model.ts';
import type { RgbImage } from '../../../tools/pictures/image.ts';
import { enlarged, heat, mosaic } from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet, type Tile } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { parameterOf } from './inputs.ts';

/** Flags of `plot positions`. */
export interface PositionsOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  /** Whether what the run began with is shown too. */
  readonly before?: true;
  readonly out: string;
}

/** Longer side of the picture, and of each of two. */
const PIXELS = 840;
const PIXELS_OF_TWO = 440;

/** Draws a map for each patch: its embedding's cosine similarity with those of all patches. Throws  USAGE. */
export async function plotPositions(options: PositionsOptions): Promise<void> {
  const { checkpoint, out, weightsKey, before = false } = options;
  const trained = await readNamedModel(checkpoint, { heads: 'any', weightsKey });
  const title = 'Position embedding similarity';
  const note = 'a map for each patch, where it lies; cosine from -1 (dark) to 1 (yellow)';
  if (!before) {
    const image = similarities(trained, PIXELS);
    await writePicture(
      out,
      await sheet([{ image, note }], { columns: 1, tileSize: PIXELS, title }),
    );
  } else {
    const start = similarities(atStart(trained), PIXELS_OF_TWO);
    const end = similarities(trained, PIXELS_OF_TWO);
    const tiles: Tile[] = [
      { image: start, title: 'before the training', note: 'a map for each patch, where it lies' },
      { image: end, title: 'after the training', note: 'cosine from -1 (dark) to 1 (yellow)' },
    ];
    const options = { columns: 2, tileSize: PIXELS_OF_TWO, title, gap: 48 };
    await writePicture(out, await sheet(tiles, options));
  }
  print([out]);
}

/** The model with what its run began with, which its seed decides. Throws  USAGE when it began with the weights of another. */
function atStart(trained: TrainedModel): TrainedModel {
  const { model, config, guessed, modelPath } = trained;
  const { init, positionDeviation } = config.model;
  // Facts that had to be guessed: these weights are not of a run.
  if (init !== undefined || guessed.size > 0) {
    const what =
      init === undefined ? 'is not of a run' : `began with the weights of ${init.weights}`;
    throw new TesseraError('USAGE', `${modelPath} ${what}`, {
      hint: '--before is for runs that began with random values',
    });
  }
  return { ...trained, parameters: initialParameters(model, config.seed, positionDeviation) };
}

function similarities(trained: TrainedModel, pixels: number): RgbImage {
  const { width, imageSize, patchSize } = trained.model;
  const side = imageSize / patchSize;
  // The class token's embedding has no place in the picture.
  const positions = parameterOf(trained, 'pos_embed').subarray(width);
  const similarity = cosineSimilarity(positions, width);
  const maps = Array.from({ length: side * side }, (_, at) =>
    heat(similarity.subarray(at * side * side, (at + 1) * side * side), side, { low: -1, high: 1 }),
  );
  const factor = Math.max(1, Math.floor(pixels / (side * (side + 1))));
  return mosaic(
    maps.map((map) => enlarged(map, factor)),
    side,
    factor,
  );
}
