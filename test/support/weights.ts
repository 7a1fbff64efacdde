/** @file The fixtures that the libraries themselves made, and what Tessera computes with them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compileProgram } from '../../shared/compute/engines/registry.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';

const FIXTURES = resolve(import.meta.dirname, '../fixtures/weights');

export interface Fixture {
  readonly file: string;
  readonly library: string;
  readonly naming: 'timm' | 'torchvision' | 'huggingface';
  readonly container: 'safetensors' | 'zip' | 'legacy' | 'folder';
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly nesting?: string;
  readonly logits: readonly number[];
}

export const { fixtures, model } = JSON.parse(
  readFileSync(join(FIXTURES, 'fixtures.json'), 'utf8'),
) as { readonly fixtures: readonly Fixture[]; readonly model: ModelConfig };

export const fixturePath = (file: string) => join(FIXTURES, file);

/** The images that the libraries computed their logits of. */
export function fixtureImages(batch = 2): Float32Array {
  const size = batch * model.channels * model.imageSize ** 2;
  return Float32Array.from({ length: size }, (_, i) => Math.sin(Math.fround(0.1 * i)));
}

/** Logits by our own compiled program. */
export async function logitsOf(
  spec: ModelConfig,
  parameters: Float32Array,
  images: Float32Array,
): Promise<Float32Array> {
  const microBatch = images.length / (spec.channels * spec.imageSize ** 2);
  const program = await compileProgram(
    { model: spec, microBatch, labelSmoothing: 0 },
    { id: 'onnxruntime-cpu', threads: 1 },
  );
  try {
    program.setParameters(parameters);
    return await program.predict(images);
  } finally {
    await program.dispose();
  }
}

/** Largest absolute difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))),
    0,
  );
}
