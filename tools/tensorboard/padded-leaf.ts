/** @file A leaf in the one shape of its program: places without an image have weight 0. Pure. */
import type { LeafInputs } from '../../shared/compute/program.ts';
import type { TrainingLeaf } from '../blocks/training-leaves.ts';

/** Shapes  images [B, C, S, S]; all others [B]. */
export function paddedLeaf(
  { images, labels, weights, mix }: TrainingLeaf,
  places: number,
): Pick<LeafInputs, 'images' | 'labels' | 'weights' | 'mix'> {
  const count = labels.length;
  if (count === places) return { images, labels, weights, mix };
  const all = new Float32Array((images.length / count) * places);
  all.set(images);
  const padded = {
    images: all,
    labels: new Int32Array(places),
    weights: new Float32Array(places),
  };
  padded.labels.set(labels);
  padded.weights.set(weights);
  if (mix === undefined) return padded;
  const mixed = { labels: new Int32Array(places), shares: new Float32Array(places).fill(1) };
  mixed.labels.set(mix.labels);
  mixed.shares.set(mix.shares);
  return { ...padded, mix: mixed };
}
