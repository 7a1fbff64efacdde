/** @file Infers the model of some weights from the shapes of the tensors. */
import { TesseraError } from '../../core/errors.ts';
import { gridSide } from '../../model/positions.ts';
import { ENCODER_SIZES, type ModelConfig } from '../../model/variants.ts';
import type { Weights } from '../names/rename.ts';

/** The inferred model. */
export interface InferredModel {
  /** `numClasses` is 0 if the weights have no head. */
  readonly model: ModelConfig;
  /** Public name such as Ti/16, if it has one. */
  readonly variant: string | undefined;
  /** Whether the number of attention heads is unknown: `model.heads` is then one possible number. */
  readonly areHeadsGuessed: boolean;
  /** The published size of this width and depth, such as Ti. */
  readonly published: string | undefined;
}

/** Width of a head in every published size. */
const HEAD_WIDTH = 64;

/**
 * The model of some weights. Attention heads leave no trace in the shapes: they come from the file's own
 * description, else from the published size of that width and depth, else are guessed.
 *
 * Throws  CHECKPOINT_MISMATCH when a tensor that decides the model is missing or has an unexpected shape.
 */
export function inferModel(weights: Weights): InferredModel {
  const [width = 0, channels = 0, patchSize = 0] = shapeOf(weights, 'patch_embed.proj.weight', 4);
  const [, tokens = 0] = shapeOf(weights, 'pos_embed', 3);
  const [mlpWidth = 0] = shapeOf(weights, 'blocks.0.mlp.fc1.weight', 2);
  const numClasses = weights.tensors.get('head.weight')?.shape[0] ?? 0;
  const imageSize = gridOf(weights, tokens) * patchSize;
  const depth = depthOf(weights);
  const named = Object.entries(ENCODER_SIZES).find(
    ([, size]) => size.width === width && size.depth === depth && size.mlpWidth === mlpWidth,
  );
  const known = weights.info.heads?.value ?? named?.[1].heads;
  const heads = known ?? (width % HEAD_WIDTH === 0 ? width / HEAD_WIDTH : 1);
  return {
    model: { imageSize, channels, patchSize, numClasses, width, depth, heads, mlpWidth },
    variant: named?.[1].heads === heads ? `${named[0]}/${patchSize}` : undefined,
    areHeadsGuessed: known === undefined,
    published: named?.[0],
  };
}

function depthOf({ tensors }: Weights): number {
  let depth = 0;
  while (tensors.has(`blocks.${depth}.norm1.weight`)) depth += 1;
  return depth;
}

/** Side of the grid of patches; the error names other tokens. */
function gridOf(weights: Weights, tokens: number): number {
  try {
    return gridSide(tokens);
  } catch (thrown) {
    const { code, sentence, hint = '' } = TesseraError.from(thrown);
    throw new TesseraError(code, sentence + alsoHas(weights), { hint, cause: thrown });
  }
}

/** Names of parts that only other kinds of ViT have: usually the reason for the error. */
function alsoHas({ unknown }: Weights): string {
  if (unknown.length === 0) return '';
  return `; it has ${unknown.slice(0, 3).join(', ')}${unknown.length > 3 ? ', ...' : ''}`;
}

function shapeOf(weights: Weights, name: string, rank: number): readonly number[] {
  const shape = weights.tensors.get(name)?.shape;
  if (shape?.length === rank) return shape;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `cannot infer the model: ${name} ${shape === undefined ? 'is missing' : `has the shape [${shape}]`}${alsoHas(weights)}`,
    { hint: 'only Vision Transformers with a class token can be loaded' },
  );
}
