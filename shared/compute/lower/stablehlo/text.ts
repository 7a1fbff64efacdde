/** @file StableHLO's words: element types, values and numbers as text. */
import { assert } from '../../../core/errors.ts';
import type { ValueType } from '../../graph/graph.ts';

/** Element types of StableHLO. A graph does not know bfloat16: products make it of float32, and float32 of it. */
export type StableType = 'f32' | 'bf16' | 'f16' | 'i32' | 'ui8' | 'i1';

/** A value of a function: its name, `%7`, and its type. */
export interface StableValue {
  readonly id: string;
  readonly shape: readonly number[];
  readonly type: StableType;
}

/** StableHLO's names for a graph's element types. */
export const STABLE_TYPES: Readonly<Record<ValueType, StableType>> = {
  float32: 'f32',
  float16: 'f16',
  int32: 'i32',
  uint8: 'ui8',
  bool: 'i1',
};

/** `tensor<2x3xf32>`. */
export function typeText({ shape, type }: Pick<StableValue, 'shape' | 'type'>): string {
  return `tensor<${[...shape, type].join('x')}>`;
}

/** `[0, 2, 1]`. */
export function listText(numbers: readonly number[]): string {
  return `[${numbers.join(', ')}]`;
}

/** A number of a type. A float is written as its bits, which say it exactly. */
export function numberText(value: number, type: StableType): string {
  assert(type !== 'f16' && type !== 'bf16', 'computed numbers have 32 bits');
  if (type === 'i1') return value === 0 ? 'false' : 'true';
  if (type !== 'f32') return String(value);
  const bits = Buffer.alloc(4);
  bits.writeFloatBE(value);
  return `0x${hexOf(bits)}`;
}

/** Contents of a typed array, little-endian as they lie. */
export function bytesText({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return `"0x${hexOf(Buffer.from(buffer, byteOffset, byteLength))}"`;
}

function hexOf(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

/** The name of an argument or a parameter as StableHLO spells it: `%mix.labels`. */
export function nameText(name: string): string {
  return `%${name.replaceAll(/[^\w$.-]/g, '.')}`;
}

/** Whether two shapes are one. */
export function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, axis) => side === b[axis]);
}
