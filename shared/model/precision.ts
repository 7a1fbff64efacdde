/** @file In which numbers products of matrices are computed. */

/**
 * By the names that PyTorch has for them. f32: float32. tf32: operands as the device's matrix units take float32.
 * bf16: bfloat16 operands and results. Sums, parameters, norms, softmax and the loss are float32 in all.
 */
export const PRECISIONS = ['f32', 'tf32', 'bf16'] as const;

export type Precision = (typeof PRECISIONS)[number];
