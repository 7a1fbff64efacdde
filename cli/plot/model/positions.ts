/** @file `tessera plot positions`: how alike position embeddings are, the ViT paper's figure 7 centre. */
import { cosineSimilarity } from '../../../tools/inference/attention-maps.ts';
import { enlarged, heat, mosaic } from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { parameterOf } from './inputs.ts';

/** Flags of `plot positions`. */
export interface PositionsOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly out: string;
}

/** Longer side of the picture. */
const PIXELS = 840;

/** Draws a map for each patch: its embedding's cosine similarity with those of all patches. */
export async function plotPositions(options: PositionsOptions): Promise<void> {
  const { checkpoint, out, weightsKey } = options;
  const trained = await readNamedModel(checkpoint, { heads: 'any', weightsKey });
  const { width, imageSize, patchSize } = trained.model;
  const side = imageSize / patchSize;
  // The class token's embedding has no place in the picture.
  const positions = parameterOf(trained, 'pos_embed').subarray(width);
  const similarity = cosineSimilarity(positions, width);
  const maps = Array.from({ length: side * side }, (_, at) =>
    heat(similarity.subarray(at * side * side, (at + 1) * side * side), side, { low: -1, high: 1 }),
  );
  const factor = Math.max(1, Math.floor(PIXELS / (side * (side + 1))));
  const image = mosaic(
    maps.map((map) => enlarged(map, factor)),
    side,
    factor,
  );
  const title = 'Position embedding similarity';
  const note = 'a map for each patch, where it lies; cosine from -1 (dark) to 1 (yellow)';
  await writePicture(out, await sheet([{ image, note }], { columns: 1, tileSize: PIXELS, title }));
  print([out]);
}
