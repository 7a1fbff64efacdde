/** @file Divides a set that has no test split of its own: seeded, and alike in every class. */
import { permutation } from './permutation.ts';
import { sequentialIndices } from './sampler.ts';
import type { Split } from './source.ts';

/** What decides a division. */
export interface DivisionOptions {
  /** Class of each sample. */
  readonly labels: ArrayLike<number>;
  readonly numClasses: number;
  /** Share of the samples that goes to the test split. */
  readonly testFraction: number;
  readonly seed: number;
}

/**
 * Positions of the samples of both splits, ascending.
 *
 * The test split has round(testFraction x samples) of them, each class giving its share to within one
 * sample. A class keeps one training sample at least, unless everything is for testing.
 */
export function divide(options: DivisionOptions): Record<Split, Uint32Array> {
  const { labels, numClasses, testFraction, seed } = options;
  const members: number[][] = Array.from({ length: numClasses }, () => []);
  for (let position = 0; position < labels.length; position += 1) {
    members[labels[position] as number]?.push(position);
  }
  const quotas = testQuotas(
    members.map((positions) => positions.length),
    testFraction,
  );
  const isTest = new Uint8Array(labels.length);
  for (const [label, positions] of members.entries()) {
    if (positions.length === 0) continue;
    const memberAt = permutation({ size: positions.length, seed, stream: 'split', counter: label });
    for (let drawn = 0; drawn < (quotas[label] as number); drawn += 1) {
      isTest[positions[memberAt(drawn)] as number] = 1;
    }
  }
  const everything = sequentialIndices(labels.length);
  return {
    train: everything.filter((position) => isTest[position] === 0),
    test: everything.filter((position) => isTest[position] === 1),
  };
}

/** Test samples of each class: the whole parts of their shares, then one more to the largest remainders. */
function testQuotas(classSizes: readonly number[], testFraction: number): number[] {
  const numSamples = classSizes.reduce((sum, size) => sum + size, 0);
  const keep = testFraction === 1 ? 0 : 1;
  const shares = classSizes.map((size) => size * testFraction);
  const quotas = shares.map((share) => Math.floor(share));
  const byRemainder = shares
    .map((share, label) => ({ label, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  let missing =
    Math.round(numSamples * testFraction) - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const { label } of byRemainder) {
    const quota = quotas[label] as number;
    if (missing <= 0 || quota + keep >= (classSizes[label] as number)) continue;
    quotas[label] = quota + 1;
    missing -= 1;
  }
  return quotas;
}
