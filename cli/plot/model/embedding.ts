/** @file `tessera plot embedding`: an image as feature maps of the patch embedding, and as the sequence that they are. */
import type { ModelConfig } from '../../../shared/model/variants.ts';
import { enlarged, heat, mosaic } from '../../../tools/pictures/pixels.ts';
import { writePicture } from '../../../tools/pictures/render.ts';
import { sheet } from '../../../tools/pictures/sheet.ts';
import { readNamedModel } from '../../inputs/model.ts';
import { print } from '../../terminal/output.ts';
import { loadImages, parameterOf } from './inputs.ts';

/** Flags of `plot embedding`. */
export interface EmbeddingOptions {
  readonly image: string;
  /** The newest run unless given. */
  readonly checkpoint?: string;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly out: string;
}

/** Feature maps that are shown. */
const MAPS = 25;
const MAP_COLUMNS = 5;
/** Longer side of a part of the picture. */
const PIXELS = 420;

/** Draws the image, its first feature maps, and the sequence of its embedded patches. */
export async function plotEmbedding(options: EmbeddingOptions): Promise<void> {
  const { set, weightsKey } = options;
  const trained = await readNamedModel(options.checkpoint, { heads: 'any', set, weightsKey });
  const { values, images } = await loadImages(trained, [options.image], 1);
  const { model } = trained;
  const weight = parameterOf(trained, 'patch_embed.proj.weight');
  const bias = parameterOf(trained, 'patch_embed.proj.bias');
  const sequence = embed(model, { image: values, weight, bias });
  const side = model.imageSize / model.patchSize;
  const shown = Math.min(MAPS, model.width);
  const maps = Array.from({ length: shown }, (_, feature) => {
    const map = sequence.filter((_, i) => i % model.width === feature);
    return enlarged(heat(map, side, rangeOf(map)), Math.ceil(PIXELS / MAP_COLUMNS / side));
  });
  const image = images[0];
  const tiles = [
    ...(image === undefined ? [] : [{ image, title: 'input' }]),
    { image: mosaic(maps, MAP_COLUMNS, 3), title: `${shown} of ${model.width} feature maps` },
    {
      image: heat(sequence, model.width, rangeOf(sequence)),
      title: `sequence: ${side * side} patches x ${model.width}`,
    },
  ];
  await writePicture(options.out, await sheet(tiles, { columns: 3, tileSize: PIXELS }));
  print([options.out]);
}

interface Embedding {
  /** Shapes  [C, S, S]. */
  readonly image: Float32Array;
  /** Shapes  [D, C, P, P] and [D]. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** x E of equation 1, for one image. Shapes  returns [N, D]. */
function embed(model: ModelConfig, { image, weight, bias }: Embedding): Float32Array {
  const { imageSize: S, patchSize: P, channels: C, width: D } = model;
  const side = S / P;
  const sequence = new Float32Array(side * side * D);
  for (let patch = 0; patch < side * side; patch += 1) {
    const values = patchOf(image, {
      S,
      P,
      C,
      top: Math.floor(patch / side) * P,
      left: (patch % side) * P,
    });
    for (let feature = 0; feature < D; feature += 1) {
      let sum = bias[feature] as number;
      const first = feature * values.length;
      for (let i = 0; i < values.length; i += 1) {
        sum += (weight[first + i] as number) * (values[i] as number);
      }
      sequence[patch * D + feature] = sum;
    }
  }
  return sequence;
}

/** The values of one patch. Shapes  [C, P, P]. */
function patchOf(
  image: Float32Array,
  { S, P, C, top, left }: Readonly<Record<'S' | 'P' | 'C' | 'top' | 'left', number>>,
): Float32Array {
  const values = new Float32Array(C * P * P);
  for (let row = 0; row < C * P; row += 1) {
    const [channel, y] = [Math.floor(row / P), row % P];
    const start = (channel * S + top + y) * S + left;
    values.set(image.subarray(start, start + P), row * P);
  }
  return values;
}

function rangeOf(values: Float32Array): { low: number; high: number } {
  return {
    low: values.reduce((a, b) => Math.min(a, b)),
    high: values.reduce((a, b) => Math.max(a, b)),
  };
}
