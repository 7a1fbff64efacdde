/** @file Devices that need not be here: what their makers state, and what share of it a step is assumed to reach. Pure. */
import type { Precision } from '../../shared/model/precision.ts';

/** A device. Units  dense operations a second by the numbers of the products; bytes. */
export interface DeviceFacts {
  readonly name: string;
  readonly peak: Readonly<Record<Precision, number>>;
  readonly bytes: number;
}

/**
 * Source  NVIDIA's data sheets of H200, H100 (SXM), A100 (80 GB, SXM), L4 and T4. Figures with sparsity are halved. A T4
 * has no units for bfloat16: products are float32 then.
 */
const DEVICES: Readonly<Record<string, Omit<DeviceFacts, 'name'>>> = {
  h200: { peak: { f32: 67e12, tf32: 494e12, bf16: 989e12 }, bytes: 141e9 },
  h100: { peak: { f32: 67e12, tf32: 494e12, bf16: 989e12 }, bytes: 80e9 },
  a100: { peak: { f32: 19.5e12, tf32: 156e12, bf16: 312e12 }, bytes: 80e9 },
  l4: { peak: { f32: 30.3e12, tf32: 60e12, bf16: 121e12 }, bytes: 24e9 },
  t4: { peak: { f32: 8.1e12, tf32: 8.1e12, bf16: 8.1e12 }, bytes: 16e9 },
};

/** Names of the devices that are known. */
export const DEVICE_NAMES: readonly string[] = Object.keys(DEVICES);

/** The share of the stated peak that a whole step is assumed to reach. */
export const EFFICIENCY = 0.35;
/** What a leaf is assumed to take besides its products. Units  seconds. */
export const LEAF_OVERHEAD = 0.002;

/** A device by its name. */
export function deviceOf(name: string): DeviceFacts | undefined {
  const facts = DEVICES[name];
  return facts && { name, ...facts };
}

/** Seconds that an image of a leaf takes on a device; `multiplyAdds` are those of a forward pass. */
export function imageSeconds(
  { peak }: DeviceFacts,
  work: {
    readonly multiplyAdds: number;
    readonly precision: Precision;
    readonly recompute: 'none' | 'blocks';
  },
): number {
  // Twice an operation, and a backward pass is two forward passes; blocks are computed once more.
  const passes = work.recompute === 'blocks' ? 4 : 3;
  return (2 * passes * work.multiplyAdds) / (EFFICIENCY * peak[work.precision]);
}
