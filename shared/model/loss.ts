/** @file What training minimises: weighted softmax cross-entropy, as sums over samples. */
import * as tf from './tensorflow.ts';

/** Labels of a leaf and how much each sample counts. Shapes  all [B]; weights are 0 or 1, or those of classes. */
export interface Targets {
  readonly labels: tf.Tensor1D;
  readonly weights: tf.Tensor1D;
  /** Of mixed images: the label of the other image, and the share of the own one. */
  readonly mix?: { readonly labels: tf.Tensor1D; readonly shares: tf.Tensor1D } | undefined;
}

/**
 * Sum of the samples' cross-entropies, each times its weight.
 *
 * With smoothing s the target is 1 - s on the label plus s / O on every class; of a mixed image it is the
 * shares' mean of the two labels' targets.
 *
 * Shapes  logits [B, O] -> scalar.
 * Source  label smoothing: Szegedy et al. 2015 (arXiv:1512.00567), section 7; mixed labels: arXiv:1710.09412.
 */
export function crossEntropySum(
  logits: tf.Tensor2D,
  { labels, weights, mix }: Targets,
  labelSmoothing: number,
): tf.Scalar {
  const numClasses = logits.shape[1];
  const off = labelSmoothing / numClasses;
  const targetOf = (ofLabels: tf.Tensor1D) =>
    tf.oneHot(ofLabels, numClasses, 1 - labelSmoothing + off, off, 'float32');
  const target_BO =
    mix === undefined
      ? targetOf(labels)
      : between(targetOf(mix.labels), targetOf(labels), tf.reshape(mix.shares, [-1, 1]));
  const weights_B1 = tf.reshape(weights, [-1, 1]);
  const op = tf.customGrad((logits_BO, save) => {
    const x_BO = logits_BO as tf.Tensor;
    const shifted_BO = tf.sub(x_BO, tf.max(x_BO, -1, true));
    const logP_BO = tf.sub(shifted_BO, tf.log(tf.sum(tf.exp(shifted_BO), -1, true)));
    (save as tf.GradSaveFunc)([logP_BO, target_BO, weights_B1]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [logP_BO, target_BO, weights_B1] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.mul(tf.mul(tf.sub(tf.exp(logP_BO), target_BO), weights_B1), dy);
    };
    return { value: tf.neg(tf.sum(tf.mul(tf.mul(target_BO, logP_BO), weights_B1))), gradFunc };
  });
  return op(logits) as tf.Scalar;
}

/**
 * Mean of the samples' cross-entropies, over those whose weight is not 0.
 *
 * Shapes  logits [B, O] -> scalar; without weights every sample counts 1.
 * Source  as `crossEntropySum`.
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  { labels, weights, mix }: Omit<Targets, 'weights'> & Partial<Targets>,
  labelSmoothing = 0,
): tf.Scalar {
  const weights_B = weights ?? tf.ones([labels.shape[0]]);
  const samples = tf.sum(tf.cast(tf.notEqual(weights_B, 0), 'float32'));
  return tf.div(
    crossEntropySum(logits, { labels, weights: weights_B, mix }, labelSmoothing),
    samples,
  );
}

/** From `start` (share 0) to `end` (share 1). */
function between(start: tf.Tensor, end: tf.Tensor, share: tf.Tensor): tf.Tensor {
  return tf.add(start, tf.mul(tf.sub(end, start), share));
}

/** How many samples that count have their largest logit on the label; with weights of classes each of them is one. */
export function correctCount(
  logits: tf.Tensor2D,
  { labels, weights }: Targets,
  weighsClasses = false,
): tf.Scalar {
  const isCorrect_B = tf.cast(tf.equal(tf.argMax(logits, -1), labels), 'float32');
  if (!weighsClasses) return tf.sum(tf.mul(isCorrect_B, weights));
  const isLeftOut_B = tf.cast(tf.equal(weights, 0), 'float32');
  return tf.sum(tf.mul(isCorrect_B, tf.sub(1, isLeftOut_B)));
}
