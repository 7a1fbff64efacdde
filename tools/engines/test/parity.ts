/** @file Compares an engine's loss and gradients with the oracle's, tensor by tensor. Pure. */

import { type ParameterEntry, parameterView } from '../../../shared/model/parameters.ts';
import type { Precision } from '../../../shared/model/precision.ts';
import type { Numbers } from './jobs.ts';

/** How far an engine is from the oracle. */
export interface Parity {
  readonly precision: Precision;
  /** Relative. */
  readonly lossError: number;
  /** Relative L2 over all tensors. */
  readonly gradientError: number;
  /** The tensor that is furthest from the oracle's, relative L2. */
  readonly worst: { readonly name: string; readonly error: number };
  /** What `gradientError` may be; the loss and each tensor may be ten times as far. */
  readonly bar: number;
  readonly isRight: boolean;
}

/** Rounding in another order: float32 has 6e-8 a value, TF32 5e-4, bfloat16 4e-3. */
const BARS: Readonly<Record<Precision, number>> = { f32: 1e-5, tf32: 5e-3, bf16: 2e-2 };
/**
 * A tensor's error is relative to its own length, or to this share of the whole gradient's: that of the keys' bias is
 * zero but for rounding.
 */
const SHARE = 1e-3;

/** Compares two results of leaf 0. */
export function parityOf(
  precision: Precision,
  { found, oracle }: { readonly found: Numbers; readonly oracle: Numbers },
  entries: readonly ParameterEntry[],
): Parity {
  const bar = BARS[precision];
  const [own, right] = [floatsOf(found.gradient), floatsOf(oracle.gradient)];
  const whole = lengthOf(right);
  const errors = entries.map((entry) => {
    const [a, b] = [parameterView(own, entry), parameterView(right, entry)];
    return { name: entry.name, error: distance(a, b) / Math.max(lengthOf(b), SHARE * whole) };
  });
  const worst = errors.reduce((most, next) => (next.error <= most.error ? most : next));
  const gradientError = own.length === right.length ? distance(own, right) / whole : Number.NaN;
  const lossError = Math.abs(found.lossSum - oracle.lossSum) / Math.abs(oracle.lossSum);
  // Written so that what is not a number is not right.
  const isRight = gradientError <= bar && lossError <= 10 * bar && worst.error <= 10 * bar;
  return { precision, lossError, gradientError, worst, bar, isRight };
}

function floatsOf(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.length / 4));
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i += 1) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}

function lengthOf(values: Float32Array): number {
  return distance(values, new Float32Array(values.length));
}
