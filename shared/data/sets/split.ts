/** @file Draws a share of a set, to test or to validate with: seeded, and alike in every class. */
import { permutation } from '../permutation.ts';
import { sequentialIndices } from '../sampler.ts';

/** The inputs of a division. */
export interface DivisionOptions {
  /** Class of each sample. */
  readonly labels: ArrayLike<number>;
  readonly numClasses: number;
  /** Share of the samples that is drawn. */
  readonly fraction: number;
  readonly seed: number;
  /** The purpose of the draw: the draws are independent of each other. */
  readonly stream: 'split' | 'validation';
}

/**
 * Positions of the samples that are kept and of those that are drawn, ascending.
 *
 * Drawn are round(fraction x samples), each class giving its share to within one sample. A class keeps one sample at
 * least, unless everything is drawn.
 */
export function divide(options: DivisionOptions): {
  readonly kept: Uint32Array;
  readonly drawn: Uint32Array;
} {
  const { labels, numClasses, fraction, seed, stream } = options;
  const members: number[][] = Array.from({ length: numClasses }, () => []);
  for (let position = 0; position < labels.length; position += 1) {
    members[labels[position] as number]?.push(position);
  }
  const quotas = drawnQuotas(
    members.map((positions) => positions.length),
    fraction,
  );
  const isDrawn = new Uint8Array(labels.length);
  for (const [label, positions] of members.entries()) {
    if (positions.length === 0) continue;
    const memberAt = permutation({ size: positions.length, seed, stream, counter: label });
    for (let draw = 0; draw < (quotas[label] as number); draw += 1) {
      isDrawn[positions[memberAt(draw)] as number] = 1;
    }
  }
  const everything = sequentialIndices(labels.length);
  return {
    kept: everything.filter((position) => isDrawn[position] === 0),
    drawn: everything.filter((position) => isDrawn[position] === 1),
  };
}

/** Drawn samples of each class: the whole parts of their shares, then one more to the largest remainders. */
function drawnQuotas(classSizes: readonly number[], fraction: number): number[] {
  const numSamples = classSizes.reduce((sum, size) => sum + size, 0);
  const keep = fraction === 1 ? 0 : 1;
  const shares = classSizes.map((size) => size * fraction);
  const quotas = shares.map((share) => Math.floor(share));
  const byRemainder = shares
    .map((share, label) => ({ label, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  let missing = Math.round(numSamples * fraction) - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const { label } of byRemainder) {
    const quota = quotas[label] as number;
    if (missing <= 0 || quota + keep >= (classSizes[label] as number)) continue;
    quotas[label] = quota + 1;
    missing -= 1;
  }
  return quotas;
}
