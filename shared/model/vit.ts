/**
 * @file The Vision Transformer, to be read beside the paper (Dosovitskiy et al., arXiv:2010.11929, section 3.1).
 *
 * Parameters come by timm's names. Letters after an underscore are the sides of a tensor:
 *   B images   C channels   P side of a patch   G patches along a side   N patches, G * G
 *   T tokens, N + 1   D width   H heads   K width of a head, D / H   R rows, B * T   O classes
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, attentionProbabilities, gelu, layerNorm, linear } from './ops.ts';
import { type ModelConfig, numPatches } from './variants.ts';

/** A model's parameters as tensors, by timm's names. */
export type ParameterTensors = ReadonlyMap<string, tf.Tensor>;

/** Hooks on the activations; each returns the activations for the next layer. */
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
 * Shapes  images [B, C, G*P, G*P] -> [B, O].
 */
export function vit(
  model: ModelConfig,
  parameters: ParameterTensors,
  images: tf.Tensor4D,
  hooks: Hooks = {},
): tf.Tensor2D {
  return classify(parameters, features(model, parameters, images, hooks));
}

/**
 * What the backbone makes of a batch of images: the class token behind the last norm.
 *
 * Shapes  images [B, C, G*P, G*P] -> [B, D].
 */
export function features(
  model: ModelConfig,
  parameters: ParameterTensors,
  images: tf.Tensor4D,
  hooks: Hooks = {},
): tf.Tensor2D {
  const net = new Net(model, parameters, images.shape[0], hooks);
  let z_RD = net.embed(images);
  for (let block = 0; block < model.depth; block += 1) {
    z_RD = net.encoderBlock(hooks.block?.(z_RD, block) ?? z_RD, block);
  }
  return net.classToken(z_RD);
}

/** The head: logits from features. Shapes  [B, D] -> [B, O]. */
export function classify(parameters: ParameterTensors, features_BD: tf.Tensor2D): tf.Tensor2D {
  const weight = parameters.get('head.weight') as tf.Tensor2D;
  return linear(features_BD, weight, parameters.get('head.bias') as tf.Tensor1D);
}

/** The layers of one model, for one batch size. */
class Net {
  readonly #model: ModelConfig;
  readonly #parameters: ParameterTensors;
  readonly #batch: number;
  readonly #tokens: number;
  readonly #hooks: Hooks;

  constructor(model: ModelConfig, parameters: ParameterTensors, batch: number, hooks: Hooks) {
    this.#model = model;
    this.#parameters = parameters;
    this.#batch = batch;
    this.#tokens = numPatches(model) + 1;
    this.#hooks = hooks;
  }

  /** Equation 1: z0 = [class; x1 E; x2 E; ... xN E] + E_pos. */
  embed(images_BCSS: tf.Tensor4D): tf.Tensor2D {
    const { channels: C, patchSize: P, width: D, imageSize } = this.#model;
    const G = imageSize / P;
    const split_BCGPGP = tf.reshape(images_BCSS, [this.#batch, C, G, P, G, P]);
    const patches_BGGCPP = tf.transpose(split_BCGPGP, [0, 2, 4, 1, 3, 5]);
    const x_NI = tf.reshape(patches_BGGCPP, [this.#batch * G * G, C * P * P]) as tf.Tensor2D;
    const E_DI = tf.reshape(this.#get('patch_embed.proj.weight'), [D, C * P * P]) as tf.Tensor2D;
    const bias_D = this.#get('patch_embed.proj.bias') as tf.Tensor1D;
    const xE_ND = linear(x_NI, E_DI, bias_D);
    const xE_BND = tf.reshape(xE_ND, [this.#batch, G * G, D]);
    const class_B1D = tf.add(tf.zeros([this.#batch, 1, D]), this.#get('cls_token'));
    const z0_BTD = tf.add(tf.concat([class_B1D, xE_BND], 1), this.#get('pos_embed'));
    const z0_RD = tf.reshape(z0_BTD, [this.#batch * this.#tokens, D]) as tf.Tensor2D;
    return this.#dropout(z0_RD, 'embed');
  }

  /** Equations 2 and 3: z' = MSA(LN(z)) + z, then z = MLP(LN(z')) + z'. */
  encoderBlock(z_RD: tf.Tensor2D, block: number): tf.Tensor2D {
    const name = `blocks.${block}`;
    const attended_RD: tf.Tensor2D = tf.add(
      z_RD,
      this.#path(this.#selfAttention(this.#norm(z_RD, `${name}.norm1`), block), `${name}.attn`),
    );
    const mlp_RD = this.#mlp(this.#norm(attended_RD, `${name}.norm2`), `${name}.mlp`);
    return tf.add(attended_RD, this.#path(mlp_RD, `${name}.mlp`));
  }

  /** Equation 4: y = LN(z_L^0), the class token of the last block. */
  classToken(z_RD: tf.Tensor2D): tf.Tensor2D {
    const { width: D } = this.#model;
    const z_BTD = tf.reshape(z_RD, [this.#batch, this.#tokens, D]);
    const class_BD = tf.reshape(tf.slice(z_BTD, [0, 0, 0], [this.#batch, 1, D]), [this.#batch, D]);
    return this.#norm(class_BD as tf.Tensor2D, 'norm');
  }

  /** Multi-head self-attention (the paper's appendix A): heads in parallel, joined and projected. */
  #selfAttention(x_RD: tf.Tensor2D, block: number): tf.Tensor2D {
    const name = `blocks.${block}.attn`;
    const qkv_RX = this.#linear(x_RD, `${name}.qkv`);
    const [q, k, v] = tf.split(qkv_RX, 3, 1).map((part_RD) => this.#splitHeads(part_RD)) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    this.#hooks.attention?.(attentionProbabilities(q, k), block);
    const heads_BTHK = tf.transpose(attention(q, k, v), [0, 2, 1, 3]);
    return this.#dropout(this.#linear(tf.reshape(heads_BTHK, x_RD.shape), `${name}.proj`), name);
  }

  /** Gives each head its part of the width: [R, D] -> [B, H, T, K]. */
  #splitHeads(x_RD: tf.Tensor): tf.Tensor4D {
    const { width: D, heads: H } = this.#model;
    const x_BTHK = tf.reshape(x_RD, [this.#batch, this.#tokens, H, D / H]);
    return tf.transpose(x_BTHK, [0, 2, 1, 3]) as tf.Tensor4D;
  }

  /** Two layers with a GELU between. */
  #mlp(x_RD: tf.Tensor2D, name: string): tf.Tensor2D {
    const hidden_RM = this.#dropout(gelu(this.#linear(x_RD, `${name}.fc1`)), `${name}.fc1`);
    return this.#dropout(this.#linear(hidden_RM, `${name}.fc2`), `${name}.fc2`);
  }

  #dropout(x: tf.Tensor2D, place: string): tf.Tensor2D {
    return this.#hooks.dropout?.(x, place) ?? x;
  }

  /** What a branch adds, sample by sample. */
  #path(x_RD: tf.Tensor2D, place: string): tf.Tensor2D {
    if (this.#hooks.path === undefined) return x_RD;
    const x_BTD = tf.reshape(x_RD, [this.#batch, this.#tokens, this.#model.width]) as tf.Tensor3D;
    return tf.reshape(this.#hooks.path(x_BTD, place), x_RD.shape);
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const [gamma, beta] = [this.#get(`${name}.weight`), this.#get(`${name}.bias`)];
    return layerNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, this.#model.normEpsilon);
  }

  #linear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const [weight, bias] = [this.#get(`${name}.weight`), this.#get(`${name}.bias`)];
    return linear(x, weight as tf.Tensor2D, bias as tf.Tensor1D);
  }

  #get(name: string): tf.Tensor {
    return this.#parameters.get(name) as tf.Tensor;
  }
}
