/** @file Runs a small function eagerly and compiled, and says whether the numbers agree. */
import * as tf from '@tensorflow/tfjs-core';
// For its side effect: it registers the gradients of TensorFlow.js's kernels.
import '@tensorflow/tfjs-layers';
import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { TFJS_CPU } from '../../shared/compute/engines/tfjs.ts';
import { loadEager } from '../../shared/compute/engines/tfjs-program.ts';
import { record } from '../../shared/compute/graph/backend.ts';
import type { Graph } from '../../shared/compute/graph/graph.ts';
import type { OnnxGraph } from '../../shared/compute/lower/onnx-graph.ts';
import { encodeOnnx } from '../../shared/compute/lower/onnx-model.ts';
import { lowerForCpu } from '../../shared/compute/lower/onnxruntime-cpu.ts';
import { randomInteger, randomNormal } from '../../shared/core/random.ts';

/** What an input is filled with: normal numbers, normal ones moved away from 0, or a few integers. */
export interface Input {
  readonly shape: number[];
  readonly values: 'normal' | 'positive' | 'integers';
}

/** A tensor that was computed. */
export interface Result {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export type Results = ReadonlyMap<string, Result>;
type Build = (...inputs: tf.Tensor[]) => ReadonlyMap<string, tf.Tensor>;

/** Numbers for each input, from the seed alone. Integers lie in -3..5 and so are often equal. */
export function fillInputs(inputs: readonly Input[], seed: number) {
  return inputs.map(({ shape, values }, index) => {
    const length = tf.util.sizeFromShape(shape);
    const normal = (i: number) => 2 * randomNormal(seed, 'faults', index, i);
    if (values === 'integers') {
      const integer = (i: number) => randomInteger(9, seed, 'faults', index, i) - 3;
      return Int32Array.from({ length }, (_, i) => integer(i));
    }
    const value = values === 'normal' ? normal : (i: number) => Math.abs(normal(i)) + 0.5;
    return Float32Array.from({ length }, (_, i) => value(i));
  });
}

const typeOf = ({ values }: Input) => (values === 'integers' ? 'int32' : 'float32');

/** Runs a function on TensorFlow.js's own cpu backend. */
export async function runEagerly(inputs: readonly Input[], seed: number, build: Build) {
  await loadEager(TFJS_CPU);
  const data = fillInputs(inputs, seed);
  const results = new Map<string, Result>();
  tf.tidy(() => {
    const tensors = inputs.map((input, i) => tf.tensor(data[i]!, input.shape, typeOf(input)));
    for (const [name, tensor] of build(...tensors)) {
      const { dtype: type, shape } = tensor;
      results.set(name, { type, shape, data: tensor.dataSync().slice() });
    }
  });
  return results;
}

/** Records a function of inputs x0, x1 and so on. */
export function recordFunction(inputs: readonly Input[], build: Build): Promise<Graph> {
  return record(({ input }) =>
    build(...inputs.map((each, i) => input(`x${i}`, each.shape, typeOf(each)))),
  );
}

/** Runs a model on ONNX Runtime's CPU provider, as it is. */
export async function runGraph(graph: OnnxGraph, inputs: readonly Input[], seed: number) {
  const session = await ort.InferenceSession.create(encodeOnnx(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const data = fillInputs(inputs, seed);
  const feeds = inputs.map((input, i) => {
    return [`x${i}`, new ort.Tensor(typeOf(input), data[i]!, input.shape)] as const;
  });
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map<string, Result>(
    Object.entries(outputs).map(([name, { type, dims: shape, data }]) => {
      return [name, { type, shape, data: data as ArrayLike<number> }];
    }),
  );
}

/** Records a function and runs it as the CPU's engine does. */
export async function runCompiled(inputs: readonly Input[], seed: number, build: Build) {
  return runGraph(lowerForCpu(await recordFunction(inputs, build)), inputs, seed);
}

/**
 * Expects the same types and shapes, integers and truth values to the unit, and floats to a tolerance in L2.
 *
 * Relative to the largest of the results: what cancels out in one of them keeps rounding of the others' size.
 */
export function expectAgreement(got: Results, want: Results, tolerance = 1e-5): void {
  expect([...got.keys()].sort()).toEqual([...want.keys()].sort());
  const size = Math.max(1, ...[...want.values()].map(({ data }) => norm(Array.from(data))));
  for (const [name, { type, shape, data }] of want) {
    const result = got.get(name)!;
    expect({ type: result.type, shape: result.shape }, name).toEqual({ type, shape });
    const numbers = Array.from(result.data);
    if (type === 'float32') {
      const difference = norm(numbers.map((value, i) => value - data[i]!));
      expect(difference / size, name).toBeLessThanOrEqual(tolerance);
    } else {
      expect(numbers, name).toEqual(Array.from(data));
    }
  }
}

function norm(values: readonly number[]): number {
  return Math.hypot(...values);
}

/** A function's outputs by number, and the gradients of a weighted sum of them with respect to every input. */
export function withGradients(run: (...inputs: tf.Tensor[]) => tf.Tensor[]): Build {
  return (...inputs) => {
    const outputs = new Map(run(...inputs).map((output, i) => [`value ${i}`, output]));
    // Squares let the incoming gradient differ from element to element.
    const loss = (...xs: tf.Tensor[]) => {
      const sums = run(...xs).map((y, i) => tf.mul(tf.sum(tf.mul(y, y)), 1 + i));
      return sums.reduce((a, b) => tf.add(a, b)) as tf.Scalar;
    };
    for (const [i, gradient] of tf.grads(loss)(inputs).entries()) {
      outputs.set(`gradient ${i}`, gradient);
    }
    return outputs;
  };
}
