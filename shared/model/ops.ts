/**
 * @file The four operations that a ViT is made of, with the gradients that training wants.
 *
 * Written in plain TensorFlow.js operations, so that every backend runs them. `tf.customGrad` says what
 * to keep from the forward pass where autodiff would keep more, or compute it again.
 */
import * as tf from './tensorflow.ts';
import { NORM_EPSILON } from './variants.ts';

/**
 * Kernel that normalises rows and returns [y, mean, inverse deviation]; a backend that lacks it
 * gets the composed operations below.
 */
export const LAYER_NORM_KERNEL = 'TesseraLayerNorm';

/** Affine map of rows. Shapes  x [R, I], weight [O, I], bias [O] -> [R, O]. */
export function linearRows(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight, false, true), bias);
}

/**
 * Layer norm of rows.
 *
 * The gradient with respect to x is (g - mean(g) - xhat * mean(g * xhat)) / deviation with g = dy * gamma;
 * both means are products with gamma, which costs less than reducing g and g * xhat. They are divided by D
 * afterwards: ONNX Runtime's products with a scale of 1 and one column depend on the number of threads.
 *
 * Shapes  x [R, D], gamma and beta [D] -> [R, D].
 * Source  Ba et al. 2016 (arXiv:1607.06450).
 */
export function layerNormRows(
  x: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon = NORM_EPSILON,
): tf.Tensor2D {
  const width = x.shape[1];
  const op = tf.customGrad((x_RD, gamma_D, beta_D, save) => {
    const [y_RD, mean_R1, inverse_R1] = normalise(
      x_RD as tf.Tensor,
      gamma_D as tf.Tensor,
      beta_D as tf.Tensor,
      epsilon,
    );
    (save as tf.GradSaveFunc)([x_RD as tf.Tensor, gamma_D as tf.Tensor, mean_R1, inverse_R1]);
    const gradFunc = (dy_RD: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, gamma, mean, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const normal_RD = tf.mul(tf.sub(x, mean), inverse);
      const product_RD = tf.mul(dy_RD, normal_RD);
      const gamma_D1 = tf.reshape(gamma, [width, 1]);
      const meanOf = (g_RD: tf.Tensor) => tf.mul(tf.matMul(g_RD, gamma_D1), 1 / width);
      const meanGrad_R1 = meanOf(dy_RD);
      const meanProduct_R1 = meanOf(product_RD);
      const centred_RD = tf.sub(
        tf.sub(tf.mul(dy_RD, gamma), meanGrad_R1),
        tf.mul(normal_RD, meanProduct_R1),
      );
      return [tf.mul(centred_RD, inverse), tf.sum(product_RD, 0), tf.sum(dy_RD, 0)];
    };
    return { value: y_RD, gradFunc };
  });
  return op(x, gamma, beta) as tf.Tensor2D;
}

/** Normalised rows, their means and inverse deviations: fused where the backend can. */
function normalise(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): [y: tf.Tensor, mean: tf.Tensor, inverse: tf.Tensor] {
  if (tf.getKernel(LAYER_NORM_KERNEL, tf.getBackend()) !== undefined) {
    const outputs = tf.engine().runKernel(LAYER_NORM_KERNEL, { x, gamma, beta }, { epsilon });
    return outputs as unknown as [tf.Tensor, tf.Tensor, tf.Tensor];
  }
  const mean = tf.mean(x, -1, true);
  const centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  return [tf.add(tf.mul(tf.mul(centred, inverse), gamma), beta), mean, inverse];
}

/**
 * Gaussian error linear unit, exact: x * Phi(x).
 *
 * With u = x / sqrt(2): y = u (1 + erf u) / sqrt(2) and dy/dx = (1 + erf u + 2 / sqrt(pi) u exp(-u^2)) / 2. The
 * factors in front stand where the compiler can move them into the matrix products on either side.
 *
 * Source  Hendrycks and Gimpel 2016 (arXiv:1606.08415).
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return geluOp(x) as T;
}

const geluOp = tf.customGrad((x, save) => {
  const u = tf.mul(x as tf.Tensor, Math.SQRT1_2);
  const twoPhi = tf.add(tf.erf(u), 1);
  (save as tf.GradSaveFunc)([u, twoPhi]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [u, twoPhi] = saved as [tf.Tensor, tf.Tensor];
    const bell = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.mul(u, u)));
    return tf.mul(tf.mul(dy, 0.5), tf.add(twoPhi, tf.mul(u, bell)));
  };
  return { value: tf.mul(tf.mul(u, twoPhi), Math.SQRT1_2), gradFunc };
});

/**
 * Scaled dot-product attention: softmax(q k^T / sqrt(K)) v.
 *
 * The softmax's gradient needs sum(dp * p) over each row of T x T; it equals sum(dy * y) over K, which is
 * smaller (the observation of FlashAttention, arXiv:2205.14135, section 3.1).
 *
 * Shapes  q, k, v [B, H, T, K] -> [B, H, T, K].
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  const scale = 1 / Math.sqrt(q.shape[3]);
  const op = tf.customGrad((q_BHTK, k_BHTK, v_BHTK, save) => {
    const [q, k, v] = [q_BHTK, k_BHTK, v_BHTK] as [tf.Tensor, tf.Tensor, tf.Tensor];
    const p_BHTT = attentionProbabilities(q as tf.Tensor4D, k as tf.Tensor4D);
    const y_BHTK = tf.matMul(p_BHTT, v);
    (save as tf.GradSaveFunc)([q, k, v, p_BHTT, y_BHTK]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [q, k, v, p, y] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const rowSum = tf.sum(tf.mul(dy, y), -1, true);
      const dScores = tf.mul(p, tf.sub(tf.matMul(dy, v, false, true), rowSum));
      return [
        tf.mul(tf.matMul(dScores, k), scale),
        tf.mul(tf.matMul(dScores, q, true, false), scale),
        tf.matMul(p, dy, true, false),
      ];
    };
    return { value: y_BHTK, gradFunc };
  });
  return op(q, k, v) as tf.Tensor4D;
}

/** How much each token attends to each other. Shapes  q, k [B, H, T, K] -> [B, H, T, T]. */
export function attentionProbabilities(q: tf.Tensor4D, k: tf.Tensor4D): tf.Tensor4D {
  const scale = 1 / Math.sqrt(q.shape[3]);
  return tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)) as tf.Tensor4D;
}

/**
 * Keeps what a mask keeps, scaled so that the expectation stays.
 *
 * Shapes  mask has x's shape, or broadcasts to it.
 */
export function dropped<T extends tf.Tensor>(x: T, mask: tf.Tensor, rate: number): T {
  return tf.mul(tf.mul(x, tf.cast(mask, 'float32')), 1 / (1 - rate)) as T;
}
