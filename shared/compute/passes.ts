/**
 * @file A leaf in passes: an engine may compute a large leaf a few samples at a time, and add up.
 *
 * On a CPU the activations of a few samples stay in its caches, those of many do not: ViT-Ti/16 took 123 ms of one core
 * for each image of a leaf of 32, 112 ms for one of 16 and 103 ms for one of 8 or 4 (AMD EPYC, Zen 4). Memory is that of
 * a pass. The sums have another association than those of a leaf in one pass, so how a leaf is cut follows from the
 * program alone, never from the machine (promise P2).
 */
import { numPatches } from '../model/variants.ts';
import type { ProgramSpec } from './program.ts';

/** Rows of activations, one a token, that a pass should have: eight images of 224 pixels in patches of 16. */
const ROWS = 1600;

/** The program of one pass: a leaf of as many samples as divide the leaf and come nearest to ROWS, by ratio. */
export function passOf(spec: ProgramSpec): ProgramSpec {
  const wanted = ROWS / (numPatches(spec.model) + 1);
  if (spec.microBatch <= wanted) return spec;
  const distance = (samples: number) => Math.abs(Math.log(samples / wanted));
  let nearest = spec.microBatch;
  for (let samples = spec.microBatch - 1; samples > 0; samples -= 1) {
    const divides = spec.microBatch % samples === 0;
    if (divides && distance(samples) <= distance(nearest)) nearest = samples;
  }
  return nearest === spec.microBatch ? spec : { ...spec, microBatch: nearest };
}

/** One pass's part of values that have a row for each sample. Ownership  a view. */
export function partOf<V extends Float32Array | Int32Array | Uint16Array | Uint8Array>(
  values: V,
  pass: number,
  passes: number,
): V {
  const size = values.length / passes;
  return values.subarray(pass * size, (pass + 1) * size) as V;
}

/** What the passes gave, as one leaf: sums are added in order, rows come one after the other. */
export function joinPasses(outputs: readonly Float32Array[], isSum: boolean): Float32Array {
  const [first] = outputs as readonly [Float32Array];
  if (outputs.length === 1) return first;
  if (isSum) return outputs.reduce((sum, each) => sum.map((value, i) => value + Number(each[i])));
  const joined = new Float32Array(first.length * outputs.length);
  for (const [pass, rows] of outputs.entries()) joined.set(rows, pass * first.length);
  return joined;
}
