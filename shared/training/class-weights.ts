/** @file How much an image counts by its class, where classes are uneven. Pure. */

/**
 * Weights with which each class counts alike, and an image counts 1 on average.
 *
 * Shapes  counts and result [O]; a class without images has weight 1.
 * Source  scikit-learn's `class_weight="balanced"`: samples / (classes x count).
 */
export function balancedWeights(counts: readonly number[]): number[] {
  const present = counts.filter((count) => count > 0).length;
  const samples = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (count === 0 ? 1 : samples / (present * count)));
}

/** Targets of a leaf: its labels, how much each sample counts, and what is mixed in. Shapes  all [B]. */
interface LeafTargets {
  readonly labels: Int32Array;
  readonly weights: Float32Array;
}

/** Multiplies the weights of a leaf by those of its classes, in place; of a mixed image by both in their shares. */
export function weighClasses(
  { labels, weights }: LeafTargets,
  mix: { readonly labels: Int32Array; readonly shares: Float32Array } | undefined,
  classWeights: readonly number[],
): void {
  for (const [place, label] of labels.entries()) {
    const own = classWeights[label] ?? 1;
    const other = classWeights[mix?.labels[place] ?? label] ?? 1;
    const share = mix?.shares[place] ?? 1;
    weights[place] = (weights[place] as number) * (share * own + (1 - share) * other);
  }
}
