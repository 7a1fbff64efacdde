/** @file Small models and leaves for the tests of the compute layer. */
import type { EngineChoice } from '../../shared/compute/engines/registry.ts';
import type { LeafInputs, ProgramSpec } from '../../shared/compute/program.ts';
import { randomInteger, randomNormal } from '../../shared/core/random.ts';

/** A ViT small enough for the pure JavaScript backend. */
export const SMALL_SPEC: ProgramSpec = {
  model: {
    imageSize: 8,
    channels: 3,
    patchSize: 4,
    width: 12,
    depth: 2,
    heads: 3,
    mlpWidth: 24,
    numClasses: 5,
  },
  microBatch: 4,
  labelSmoothing: 0.1,
};

export const CPU_COMPILED: EngineChoice = { id: 'onnxruntime-cpu', threads: 1 };
export const CPU_EAGER: EngineChoice = { id: 'tfjs-cpu', threads: 1 };

/** A leaf of random images; the last sample has weight 0. */
export function randomLeaf(
  { model, microBatch }: ProgramSpec,
  seed: number,
): LeafInputs & { readonly images: Float32Array } {
  const size = microBatch * model.channels * model.imageSize ** 2;
  return {
    images: Float32Array.from({ length: size }, (_, i) => randomNormal(seed, 'augment', 0, i)),
    labels: Int32Array.from({ length: microBatch }, (_, i) =>
      randomInteger(model.numClasses, seed, 'augment', 1, i),
    ),
    weights: Float32Array.from({ length: microBatch }, (_, i) => (i < microBatch - 1 ? 1 : 0)),
  };
}

/** Parameters far from their initial values, so that every path of the gradient matters. */
export function randomParameters(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => 0.3 * randomNormal(seed, 'init', i));
}

/** |a - b| / |b| over whole vectors. */
export function relativeL2(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i += 1) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    norm += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / norm);
}
