/**
 * @file The Vision Transformer, to be read beside the paper (Dosovitskiy et al., arXiv:2010.11929, section 3.1).
 *
 * What a block is made of is in layers.ts. Parameters come by timm's names.
 * Letters after an underscore are the sides of a tensor:
 *   B images   C channels   S side of an image   P side of a patch   G patches along a side   N patches, G * G
 *   T tokens, N + 1   D width   H heads   K width of a head, D / H   M hidden width   R rows, B * T   O classes
 */
import {
  classify,
  classToken,
  type EncoderOptions,
  layerNorm,
  mlp,
  multiHeadSelfAttention,
  patchEmbedding,
  tokensOf,
} from './layers.ts';
import * as tf from './tensorflow.ts';
import { type Activations, inRows, type ParameterTensors, part } from './tensors.ts';
import { type ModelConfig, numPatches } from './variants.ts';

/** Hooks on the activations of a model; each returns the activations for the next layer. */
export interface Hooks {
  /** Dropout. `place` is the name of the layer that made `x`. */
  dropout?(x: tf.Tensor2D, place: string): tf.Tensor2D;
  /** Stochastic depth: `x_BTD` is what a branch adds. */
  path?(x_BTD: tf.Tensor3D, place: string): tf.Tensor3D;
  /** Where a block begins. */
  block?(z_RD: tf.Tensor2D, block: number): tf.Tensor2D;
  /** Looks at the attention probabilities of a block. Shapes  [B, H, T, T]. */
  attention?(probabilities: tf.Tensor4D, block: number): void;
}

/**
 * The logits of a batch of images.
 *
 * Shapes  images [B, C, S, S] -> [B, O].
 */
export function vit(
  images: tf.Tensor4D,
  parameters: ParameterTensors,
  model: ModelConfig,
  hooks: Hooks = {},
): tf.Tensor2D {
  return classify(features(images, parameters, model, hooks), parameters);
}

/**
 * What the backbone makes of a batch of images: the class token behind the last norm.
 *
 * Shapes  images [B, C, S, S] -> [B, D].
 */
export function features(
  images: tf.Tensor4D,
  parameters: ParameterTensors,
  model: ModelConfig,
  hooks: Hooks = {},
): tf.Tensor2D {
  const options = { ...model, tokens: numPatches(model) + 1 };
  const z0_BTD = patchEmbedding(images, parameters, model);
  let z_RD = tf.reshape(z0_BTD, [images.shape[0] * options.tokens, model.width]) as tf.Tensor2D;
  z_RD = hooks.dropout?.(z_RD, 'embed') ?? z_RD;
  for (let block = 0; block < model.depth; block += 1) {
    z_RD = hooks.block?.(z_RD, block) ?? z_RD;
    const own = part(parameters, `blocks.${block}`);
    z_RD = encoderBlock(z_RD, own, options, blockHooks(hooks, block));
  }
  return classToken(z_RD, parameters, options);
}

/** Hooks on the activations of an encoder block; each returns the activations for the next layer. */
export interface BlockHooks {
  /** Dropout. `layer` is the layer that made `x`. */
  dropout?(x: tf.Tensor2D, layer: 'attn' | 'mlp.fc1' | 'mlp.fc2'): tf.Tensor2D;
  /** Stochastic depth: `x_BTD` is what a branch adds. */
  path?(x_BTD: tf.Tensor3D, branch: 'attn' | 'mlp'): tf.Tensor3D;
  /** Looks at the attention probabilities. Shapes  [B, H, T, T]. */
  attention?(probabilities: tf.Tensor4D): void;
}

/**
 * One block of the encoder: attention and MLP, each behind a norm and beside a residual connection.
 *
 * Shapes  z [B, T, D] -> [B, T, D]; parameters norm1, attn, norm2 and mlp, of the layers below.
 * Source  equations 2 and 3: z' = MSA(LN(z)) + z, then z = MLP(LN(z')) + z'.
 */
export function encoderBlock<X extends Activations>(
  z: X,
  parameters: ParameterTensors,
  options: EncoderOptions,
  hooks: BlockHooks = {},
): X {
  const tokens = tokensOf(z, options);
  const of = (name: string) => part(parameters, name);
  const norm = (x_RD: tf.Tensor2D, name: string) => layerNorm(x_RD, of(name), options.normEpsilon);
  const dropout = (x_RD: tf.Tensor2D, layer: 'attn' | 'mlp.fc1' | 'mlp.fc2') =>
    hooks.dropout?.(x_RD, layer) ?? x_RD;
  const path = (x_RD: tf.Tensor2D, branch: 'attn' | 'mlp') => {
    if (hooks.path === undefined) return x_RD;
    const [rows, width] = x_RD.shape;
    const x_BTD = tf.reshape(x_RD, [rows / tokens, tokens, width]) as tf.Tensor3D;
    return tf.reshape(hooks.path(x_BTD, branch), x_RD.shape);
  };
  return inRows(z, (z_RD) => {
    const attended_RD = multiHeadSelfAttention(
      norm(z_RD, 'norm1'),
      of('attn'),
      { heads: options.heads, tokens },
      hooks.attention,
    );
    const z1_RD: tf.Tensor2D = tf.add(z_RD, path(dropout(attended_RD, 'attn'), 'attn'));
    const mlp_RD = mlp(norm(z1_RD, 'norm2'), of('mlp'), (x, layer) => dropout(x, `mlp.${layer}`));
    return tf.add(z1_RD, path(mlp_RD, 'mlp'));
  });
}

/** The hooks of one block of a model. */
function blockHooks({ dropout, path, attention }: Hooks, block: number): BlockHooks {
  const name = `blocks.${block}`;
  return {
    ...(dropout && { dropout: (x, layer) => dropout(x, `${name}.${layer}`) }),
    ...(path && { path: (x_BTD, branch) => path(x_BTD, `${name}.${branch}`) }),
    ...(attention && { attention: (probabilities) => attention(probabilities, block) }),
  };
}
