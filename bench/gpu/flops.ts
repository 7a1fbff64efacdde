/** @file Arithmetic of a Vision Transformer's training step, and what cards can do of it. */
import type { ModelConfig } from '../../shared/model/variants.ts';

/**
 * Operations of the forward and backward pass of one image, in products of matrices alone: two for a multiplication and
 * an addition; a backward pass has two products for each of the forward pass, but images need no gradient.
 */
export function operationsOf(model: ModelConfig): number {
  const { width, depth, mlpWidth, patchSize, imageSize, channels, numClasses } = model;
  const patches = (imageSize / patchSize) ** 2;
  const tokens = patches + 1;
  const block = tokens * (4 * width ** 2 + 2 * width * mlpWidth) + 2 * tokens ** 2 * width;
  const embedding = patches * channels * patchSize ** 2 * width;
  return 6 * (depth * block + width * numClasses) + 4 * embedding;
}

/**
 * Operations a second in dense bfloat16 that a card's maker states; undefined for cards that are not listed.
 *
 * Source  NVIDIA's data sheets of H100 (SXM) and H200: 1,979 TFLOP/s with sparsity, half of it without.
 */
export function peakOf(kind: string): number | undefined {
  return /\bH[12]00\b/.test(kind) && !/PCIe|NVL|MIG/.test(kind) ? 989.4e12 : undefined;
}
