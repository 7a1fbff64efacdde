/**
 * @file The layers of a Vision Transformer, in the order of the paper (Dosovitskiy et al., arXiv:2010.11929, section 3.1).
 *
 * Each is a function of activations, its parameters and options; vit.ts is made of them. Parameters come by timm's names.
 * Letters after an underscore are the sides of a tensor:
 *   B images   C channels   S side of an image   P side of a patch   G patches along a side   N patches, G * G
 *   T tokens, N + 1   D width   H heads   K width of a head, D / H   M hidden width   R rows, B * T   O classes
 */
import { TesseraError } from '../core/errors.ts';
import { attention, attentionProbabilities, gelu, layerNormRows, linearRows } from './ops.ts';
import * as tf from './tensorflow.ts';
import { type Activations, inRows, type ParameterTensors, parameterOf, part } from './tensors.ts';
import type { ModelConfig } from './variants.ts';

/** How an encoder block computes. */
export interface EncoderOptions {
  /** Attention heads, H; they share the width. */
  readonly heads: number;
  /** Tokens of an image, T. Needed where the activations are rows. */
  readonly tokens?: number | undefined;
  /** Added to the variance in layer norms (default: 1e-6). */
  readonly normEpsilon?: number | undefined;
}

/**
 * Patches as tokens behind the class token, with their positions.
 *
 * A convolution whose stride is its kernel is a product of matrices: each patch is a row of C * P * P values.
 *
 * Shapes  images [B, C, S, S] -> z0 [B, T, D]; parameters cls_token [1, 1, D], pos_embed [1, T, D],
 *         patch_embed.proj.weight [D, C, P, P] and .bias [D].
 * Throws  USAGE when the patches do not divide an image.
 * Source  equation 1: z0 = [class; x1 E; x2 E; ... xN E] + E_pos.
 */
export function patchEmbedding(
  images_BCSS: tf.Tensor4D,
  parameters: ParameterTensors,
  { patchSize: P }: Pick<ModelConfig, 'patchSize'>,
): tf.Tensor3D {
  const [B, C, S] = images_BCSS.shape;
  if (S % P !== 0 || images_BCSS.shape[3] !== S) {
    throw new TesseraError(
      'USAGE',
      `patches of ${P} x ${P} do not divide images [${images_BCSS.shape}]`,
      { hint: 'images are square, [images, channels, side, side], their side a multiple of it' },
    );
  }
  const G = S / P;
  const { weight, bias } = weightAndBias(part(parameters, 'patch_embed.proj'));
  const D = weight.shape[0] as number;
  const split_BCGPGP = tf.reshape(images_BCSS, [B, C, G, P, G, P]);
  const patches_BGGCPP = tf.transpose(split_BCGPGP, [0, 2, 4, 1, 3, 5]);
  const x_NI = tf.reshape(patches_BGGCPP, [B * G * G, C * P * P]) as tf.Tensor2D;
  const E_DI = tf.reshape(weight, [D, C * P * P]) as tf.Tensor2D;
  const xE_BND = tf.reshape(linearRows(x_NI, E_DI, bias), [B, G * G, D]);
  const class_B1D = tf.add(tf.zeros([B, 1, D]), parameterOf(parameters, 'cls_token'));
  const tokens_BTD = tf.concat([class_B1D, xE_BND], 1);
  return tf.add(tokens_BTD, parameterOf(parameters, 'pos_embed'));
}

/**
 * Multi-head self-attention: each head attends with its part of the width, all at once; joined and projected.
 *
 * Shapes  x [B, T, D] -> [B, T, D]; parameters qkv.weight [3 D, D], qkv.bias [3 D], proj.weight [D, D], proj.bias [D].
 *         `look` gets the attention probabilities [B, H, T, T].
 * Throws  USAGE when the heads do not divide the width.
 * Source  the paper's appendix A.
 */
export function multiHeadSelfAttention<X extends Activations>(
  x: X,
  parameters: ParameterTensors,
  options: Pick<EncoderOptions, 'heads' | 'tokens'>,
  look?: (probabilities_BHTT: tf.Tensor4D) => void,
): X {
  const { heads: H } = options;
  const T = tokensOf(x, options);
  return inRows(x, (x_RD) => {
    const [R, D] = x_RD.shape;
    if (D % H !== 0) {
      throw new TesseraError('USAGE', `${H} heads do not divide a width of ${D}`, {
        hint: 'each head has an equal part of the width',
      });
    }
    const qkv_RX = linear(x_RD, part(parameters, 'qkv'));
    const [q, k, v] = tf.split(qkv_RX, 3, 1).map((part_RD) => {
      const part_BTHK = tf.reshape(part_RD, [R / T, T, H, D / H]);
      return tf.transpose(part_BTHK, [0, 2, 1, 3]);
    }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    look?.(attentionProbabilities(q, k));
    const heads_BTHK = tf.transpose(attention(q, k, v), [0, 2, 1, 3]);
    return linear(tf.reshape(heads_BTHK, x_RD.shape), part(parameters, 'proj'));
  });
}

/**
 * The MLP of a block: two layers with a GELU between.
 *
 * Shapes  x [B, T, D] -> [B, T, D]; parameters fc1.weight [M, D], fc1.bias [M], fc2.weight [D, M], fc2.bias [D].
 *         `dropout` gets rows.
 * Source  section 3.1; the hidden width M is that of table 1.
 */
export function mlp<X extends Activations>(
  x: X,
  parameters: ParameterTensors,
  dropout: (x: tf.Tensor2D, layer: 'fc1' | 'fc2') => tf.Tensor2D = (x) => x,
): X {
  return inRows(x, (x_RD) => {
    const hidden_RM = dropout(gelu(linear(x_RD, part(parameters, 'fc1'))), 'fc1');
    return dropout(linear(hidden_RM, part(parameters, 'fc2')), 'fc2');
  });
}

/**
 * The image as one vector: the class token of the last block, normalised.
 *
 * Shapes  z [B, T, D] -> [B, D]; parameters norm.weight [D], norm.bias [D].
 * Source  equation 4: y = LN(z_L^0).
 */
export function classToken(
  z: Activations,
  parameters: ParameterTensors,
  options: Pick<EncoderOptions, 'tokens' | 'normEpsilon'> = {},
): tf.Tensor2D {
  const T = tokensOf(z, options);
  const D = z.shape.at(-1) as number;
  const z_BTD = (z.rank === 3 ? z : tf.reshape(z, [z.shape[0] / T, T, D])) as tf.Tensor3D;
  const B = z_BTD.shape[0];
  const class_BD = tf.reshape(tf.slice(z_BTD, [0, 0, 0], [B, 1, D]), [B, D]) as tf.Tensor2D;
  return layerNorm(class_BD, part(parameters, 'norm'), options.normEpsilon);
}

/** The head: logits from features. Shapes  y [B, D] -> [B, O]; parameters head.weight [O, D], head.bias [O]. */
export function classify(y_BD: tf.Tensor2D, parameters: ParameterTensors): tf.Tensor2D {
  return linear(y_BD, part(parameters, 'head'));
}

/** Layer norm of each token. Shapes  x [B, T, D] -> [B, T, D]; parameters weight [D], bias [D]. */
export function layerNorm<X extends Activations>(
  x: X,
  parameters: ParameterTensors,
  epsilon?: number,
): X {
  const { weight, bias } = weightAndBias(parameters);
  return inRows(x, (x_RD) => layerNormRows(x_RD, weight as tf.Tensor1D, bias, epsilon));
}

/** Affine map of each token. Shapes  x [B, T, I] -> [B, T, O]; parameters weight [O, I], bias [O]. */
export function linear<X extends Activations>(x: X, parameters: ParameterTensors): X {
  const { weight, bias } = weightAndBias(parameters);
  return inRows(x, (x_RI) => linearRows(x_RI, weight as tf.Tensor2D, bias));
}

/** Tokens of an image. Throws  USAGE when rows come without their number. */
export function tokensOf(x: Activations, { tokens }: Pick<EncoderOptions, 'tokens'>): number {
  const found = x.rank === 3 ? x.shape[1] : tokens;
  if (found !== undefined) return found;
  throw new TesseraError(
    'USAGE',
    `activations [${x.shape}] do not say how many tokens an image has`,
    {
      hint: 'give them as [images, tokens, width], or with the option tokens',
    },
  );
}

function weightAndBias(parameters: ParameterTensors) {
  const weight = parameterOf(parameters, 'weight');
  return { weight, bias: parameterOf<tf.Tensor1D>(parameters, 'bias') };
}
