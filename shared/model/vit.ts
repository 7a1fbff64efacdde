/**
 * @file The Vision Transformer, to be read beside the paper (Dosovitskiy et al., arXiv:2010.11929, section 3.1).
 *
 * Parameters come by timm's names. Letters after an underscore are the sides of a tensor:
 *   B images   C channels   P side of a patch   G patches along a side   N patches, G * G
 *   T tokens, N + 1   D width   H heads   K width of a head, D / H   R rows, B * T   O classes
 */
import * as tf from '@tensorflow/tfjs-core';
import { attention, gelu, layerNorm, linear } from './ops.ts';
import { type ModelConfig, numPatches } from './variants.ts';

/** A model's parameters as tensors, by timm's names. */
export type ParameterTensors = ReadonlyMap<string, tf.Tensor>;

/**
 * The logits of a batch of images.
 *
 * Shapes  images [B, C, G*P, G*P] -> [B, O].
 */
export function vit(
  model: ModelConfig,
  parameters: ParameterTensors,
  images: tf.Tensor4D,
): tf.Tensor2D {
  const net = new Net(model, parameters, images.shape[0]);
  let z_RD = net.embed(images);
  for (let block = 0; block < model.depth; block += 1) z_RD = net.encoderBlock(z_RD, block);
  return net.head(z_RD);
}

/** The layers of one model, for one batch size. */
class Net {
  readonly #model: ModelConfig;
  readonly #parameters: ParameterTensors;
  readonly #batch: number;
  readonly #tokens: number;

  constructor(model: ModelConfig, parameters: ParameterTensors, batch: number) {
    this.#model = model;
    this.#parameters = parameters;
    this.#batch = batch;
    this.#tokens = numPatches(model) + 1;
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
    return tf.reshape(z0_BTD, [this.#batch * this.#tokens, D]) as tf.Tensor2D;
  }

  /** Equations 2 and 3: z' = MSA(LN(z)) + z, then z = MLP(LN(z')) + z'. */
  encoderBlock(z_RD: tf.Tensor2D, block: number): tf.Tensor2D {
    const name = `blocks.${block}`;
    const attended_RD: tf.Tensor2D = tf.add(
      z_RD,
      this.#selfAttention(this.#norm(z_RD, `${name}.norm1`), name),
    );
    return tf.add(attended_RD, this.#mlp(this.#norm(attended_RD, `${name}.norm2`), name));
  }

  /** Equation 4: y = LN(z_L^0), the class token of the last block, and the classifier on it. */
  head(z_RD: tf.Tensor2D): tf.Tensor2D {
    const { width: D } = this.#model;
    const z_BTD = tf.reshape(z_RD, [this.#batch, this.#tokens, D]);
    const class_BD = tf.reshape(tf.slice(z_BTD, [0, 0, 0], [this.#batch, 1, D]), [this.#batch, D]);
    return this.#linear(this.#norm(class_BD as tf.Tensor2D, 'norm'), 'head');
  }

  /** Multi-head self-attention (the paper's appendix A): heads in parallel, joined and projected. */
  #selfAttention(x_RD: tf.Tensor2D, name: string): tf.Tensor2D {
    const qkv_RX = this.#linear(x_RD, `${name}.attn.qkv`);
    const [q, k, v] = tf.split(qkv_RX, 3, 1).map((part_RD) => this.#splitHeads(part_RD)) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const heads_BTHK = tf.transpose(attention(q, k, v), [0, 2, 1, 3]);
    return this.#linear(tf.reshape(heads_BTHK, x_RD.shape), `${name}.attn.proj`);
  }

  /** Gives each head its part of the width: [R, D] -> [B, H, T, K]. */
  #splitHeads(x_RD: tf.Tensor): tf.Tensor4D {
    const { width: D, heads: H } = this.#model;
    const x_BTHK = tf.reshape(x_RD, [this.#batch, this.#tokens, H, D / H]);
    return tf.transpose(x_BTHK, [0, 2, 1, 3]) as tf.Tensor4D;
  }

  /** Two layers with a GELU between. */
  #mlp(x_RD: tf.Tensor2D, name: string): tf.Tensor2D {
    return this.#linear(gelu(this.#linear(x_RD, `${name}.mlp.fc1`)), `${name}.mlp.fc2`);
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const [gamma, beta] = [this.#get(`${name}.weight`), this.#get(`${name}.bias`)];
    return layerNorm(x, gamma as tf.Tensor1D, beta as tf.Tensor1D);
  }

  #linear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const [weight, bias] = [this.#get(`${name}.weight`), this.#get(`${name}.bias`)];
    return linear(x, weight as tf.Tensor2D, bias as tf.Tensor1D);
  }

  #get(name: string): tf.Tensor {
    return this.#parameters.get(name) as tf.Tensor;
  }
}
