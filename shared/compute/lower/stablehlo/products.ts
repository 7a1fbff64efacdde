/**
 * @file Products of matrices in the precision that is asked for: the one place where a program rounds to bfloat16.
 *
 * In bf16 the operands of a product are rounded to bfloat16, its sums are float32, and its result is rounded again: what
 * a backward pass keeps is mostly results of products, so that memory and its traffic halve. Two kinds of results are
 * not rounded, for it would save nothing: those that leave the program, which are the gradients of matrices and logits,
 * and those that a class is chosen from. Products with a vector are not for matrix units: they are float32 in all.
 * Attention's probabilities, which only products and their gradients read, are rounded once. Everything else, biases and
 * scales of these products included, is float32.
 */

import type { Precision } from '../../../model/precision.ts';
import type { Graph, GraphNode, Value } from '../../graph/graph.ts';
import type { DotManner, StableHloBuilder } from './builder.ts';
import type { StableType, StableValue } from './text.ts';

/** Element types of a product's operands and of its result; sums are float32. */
interface Rounding extends Pick<DotManner, 'precision'> {
  readonly operands: StableType;
  readonly result: StableType;
}

const ROUNDINGS: Readonly<Record<Precision, Rounding>> = {
  f32: { operands: 'f32', result: 'f32', precision: 'HIGHEST' },
  tf32: { operands: 'f32', result: 'f32', precision: 'DEFAULT' },
  bf16: { operands: 'bf16', result: 'bf16', precision: 'DEFAULT' },
};

/** Options of XLA's compiler without which a precision is another one. */
const OVERRIDES: Readonly<Record<Precision, Readonly<Record<string, boolean>>>> = {
  f32: {},
  tf32: {},
  // Else results of products are not rounded: the compiler drops conversions to bfloat16 and back.
  bf16: { xla_allow_excess_precision: false },
};

/**
 * Probabilities as products take them. The barrier has the backward pass read these: XLA would keep the scores beside
 * them, and compute the softmax from them a second time.
 */
export function keptProbabilities(
  to: StableHloBuilder,
  probabilities: StableValue,
  precision: Precision,
): StableValue {
  const { operands } = ROUNDINGS[precision];
  if (operands === probabilities.type) return probabilities;
  const [kept] = to.barrier([to.convert(probabilities, operands)]);
  return to.convert(kept as StableValue, probabilities.type);
}

/** The options that XLA's compiler needs for a precision. */
export function overridesOf(precision: Precision = 'f32'): Readonly<Record<string, boolean>> {
  return OVERRIDES[precision];
}

/** Which results of products are float32 in every precision. */
export function exactResults({ nodes, outputs }: Graph): ReadonlySet<Value> {
  const exact = new Set(outputs.values());
  for (const node of nodes.toReversed()) {
    const isChosenFrom = node.op === 'argMax';
    const isSameValues = node.op === 'reshape' || node.op === 'transpose';
    const [result] = node.outputs as [Value];
    if (isChosenFrom || (isSameValues && exact.has(result))) exact.add(node.inputs[0] as Value);
  }
  return exact;
}

/** What a product is written with. */
export interface ProductCall {
  readonly node: GraphNode<'matMul'>;
  readonly inputs: readonly StableValue[];
  readonly to: StableHloBuilder;
  readonly precision: Precision;
  readonly exact: ReadonlySet<Value>;
}

/** Writes scale * (a x b) + biasScale * bias. */
export function lowerProduct(call: ProductCall): StableValue {
  const { node, inputs, to } = call;
  const [, , bias] = inputs;
  const { scale, biasScale } = node.params;
  const product = scaled(to, plainProduct(call), scale);
  return bias === undefined ? product : to.binary('add', product, scaled(to, bias, biasScale));
}

function scaled(to: StableHloBuilder, x: StableValue, scale: number): StableValue {
  return scale === 1 ? x : to.binary('multiply', x, to.splat(scale, [], x.type));
}

function plainProduct(call: ProductCall): StableValue {
  const { node, inputs, to, precision, exact } = call;
  const [result] = node.outputs as [Value];
  const [a, b] = inputs as [StableValue, StableValue];
  if (result.shape.length === 2 && result.shape.includes(1)) return vectorProduct(call);
  const stack = result.shape.slice(0, -2);
  const rounding = ROUNDINGS[precision];
  const operand = (x: StableValue) =>
    to.broadcast(to.convert(x, rounding.operands), [...stack, ...x.shape.slice(-2)]);
  const product = to.dot(operand(a), operand(b), {
    ...node.params,
    type: exact.has(result) ? 'f32' : rounding.result,
    precision: rounding.precision,
  });
  return to.convert(product, 'f32');
}

/** A product that has one column or one row: sums, along the axis that both share, of a matrix times a vector. */
function vectorProduct({ node, inputs, to }: ProductCall): StableValue {
  const [result] = node.outputs as [Value];
  const [a, b] = inputs as [StableValue, StableValue];
  const { transposeA, transposeB } = node.params;
  const isColumn = result.shape[1] === 1;
  const [matrix, other] = isColumn ? [a, b] : [b, a];
  const shared = (isColumn ? !transposeA : transposeB) ? 1 : 0;
  const vector = to.reshape(other, [matrix.shape[shared] as number]);
  const products = to.binary('multiply', matrix, to.broadcast(vector, matrix.shape, [shared]));
  return to.reshape(to.reduce('add', products, [shared]), result.shape);
}
