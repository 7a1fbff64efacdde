/** @file Looks inside one encoder block: the tokens that come in, what each half adds, and what leaves. */
import type * as tf from '../../shared/model/tensorflow.ts';
import { principalComponents } from './attention-maps.ts';
import { lookInside } from './look-inside.ts';
import type { TrainedModel } from './read/read-model.ts';

/** The tokens of one image on their way through a block. Shapes  each [T, D], the class token first. */
export interface ResidualParts {
  /** z, what comes in. */
  readonly before: Float32Array;
  /** MSA(LN(z)), which equation 2 adds. */
  readonly attention: Float32Array;
  /** z', what equation 2 makes. */
  readonly between: Float32Array;
  /** MLP(LN(z')), which equation 3 adds. */
  readonly mlp: Float32Array;
  /** What leaves. */
  readonly after: Float32Array;
}

/**
 * Computes the parts of a block, counted from 0, for one image.
 *
 * Shapes  image [C, S, S] flat, normalised.
 */
export async function residualParts(
  trained: Pick<TrainedModel, 'model' | 'parameters'>,
  image: Float32Array,
  block: number,
): Promise<ResidualParts> {
  const outputs = await lookInside(trained, image, (run) => {
    const seen = new Map<string, tf.Tensor>();
    const last = run({
      block: (z, at) => {
        if (at === block) seen.set('before', z);
        return z;
      },
      path: (added, place) => {
        if (place === `blocks.${block}.attn`) seen.set('attention', added);
        if (place === `blocks.${block}.mlp`) seen.set('mlp', added);
        return added;
      },
    });
    return seen.set('features', last);
  });
  const part = (name: string) => outputs.get(name) as Float32Array;
  const [before, attention, mlp] = [part('before'), part('attention'), part('mlp')];
  const between = sum(before, attention);
  return { before, attention, between, mlp, after: sum(between, mlp) };
}

function sum(one: Float32Array, other: Float32Array): Float32Array {
  return one.map((value, at) => value + (other[at] as number));
}

/** Mean length of tokens. Shapes  tokens [T, D]. */
export function meanLength(tokens: Float32Array, width: number): number {
  const count = tokens.length / width;
  let total = 0;
  for (let row = 0; row < count; row += 1) {
    let square = 0;
    for (const value of tokens.subarray(row * width, (row + 1) * width)) square += value * value;
    total += Math.sqrt(square);
  }
  return total / count;
}

/** How far the three colours reach: this share of the places is within. */
const WITHIN = 0.96;

/**
 * Three principal directions of the patches as red, green and blue: where colours differ, vectors do. The colours of two
 * parts add up, grey being nothing.
 *
 * Shapes  parts [T, D] each -> for each the levels 0..255 of its N patches, [N, 3].
 */
export function coloured(parts: readonly Float32Array[], width: number): Uint8Array[] {
  const [first = new Float32Array(0)] = parts;
  const patches = parts.map((tokens) => tokens.subarray(width));
  const centre = meanRow(first.subarray(width), width);
  const rows = patches[0]?.map((value, at) => value - (centre[at % width] as number));
  const directions = principalComponents(rows ?? new Float32Array(0), width, 3);
  const shares = patches.map((rows) => directions.map((one) => along(rows, one, width)));
  const origin = directions.map((one) => along(centre, one, width)[0] as number);
  const reach = directions.map((_, axis) => {
    const distances = Float32Array.from(shares[0]?.[axis] ?? [], (value) =>
      Math.abs(value - (origin[axis] as number)),
    ).sort();
    return distances[Math.floor(WITHIN * (distances.length - 1))] ?? 1;
  });
  return shares.map((axes, part) => {
    // What is added has no centre taken away: grey means that it adds nothing here.
    const isSum = part % 2 === 0;
    const count = axes[0]?.length ?? 0;
    return Uint8Array.from({ length: 3 * count }, (_, at) => {
      const axis = at % 3;
      const value = axes[axis]?.[Math.floor(at / 3)] ?? 0;
      const shifted = value - (isSum ? (origin[axis] as number) : 0);
      return Math.max(0, Math.min(255, 128 + (127 * shifted) / (reach[axis] as number)));
    });
  });
}

function meanRow(rows: Float32Array, width: number): Float32Array {
  const mean = new Float32Array(width);
  const count = rows.length / width;
  for (const [at, value] of rows.entries()) {
    mean[at % width] = (mean[at % width] as number) + value / count;
  }
  return mean;
}

/** The share of each row along a direction. */
function along(rows: Float32Array, direction: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: rows.length / width }, (_, row) => {
    let share = 0;
    for (let i = 0; i < width; i += 1) {
      share += (rows[row * width + i] as number) * (direction[i] as number);
    }
    return share;
  });
}
