/** @file A trained model as one ONNX file for others to run: images in, logits out, the weights inside. */
import type * as tf from '@tensorflow/tfjs-core';
import { record } from '../../shared/compute/record/backend.ts';
import type { Constant } from '../../shared/compute/record/graph.ts';
import { encodeOnnx } from '../../shared/compute/record/onnx.ts';
import { simplify } from '../../shared/compute/record/simplify.ts';
import { assert } from '../../shared/core/errors.ts';
import { type ParameterEntry, parameterTable } from '../../shared/model/parameters.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { vit } from '../../shared/model/vit.ts';

/** What is exported. */
export interface OnnxOptions {
  readonly model: ModelConfig;
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  /** Images of one call; the shape is fixed. */
  readonly batch: number;
  /** What the model says of itself beside the graph (metadata_props). */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The bytes of an ONNX model. Its fused matrix products are ONNX Runtime's own (com.microsoft), so that
 * is what runs it.
 *
 * Shapes  input `images` float32 [batch, C, S, S], normalised -> output `logits` float32 [batch, classes].
 */
export async function exportOnnx(options: OnnxOptions): Promise<Uint8Array> {
  const { model, parameters, batch, metadata = {} } = options;
  const { channels, imageSize } = model;
  const { entries, size } = parameterTable(model);
  assert(parameters.length === size, 'the parameters are those of the model');
  const graph = await record((inputs) => {
    const tensors = entries.map(({ name, shape }) => [name, inputs.input(name, shape)] as const);
    const images = inputs.input('images', [batch, channels, imageSize, imageSize]) as tf.Tensor4D;
    return new Map([['logits', vit(model, new Map(tensors), images)]]);
  });
  const simple = simplify(graph);
  const whole = {
    ...simple,
    inputs: simple.inputs.filter(({ name }) => name === 'images'),
    constants: [...simple.constants, ...entries.map((entry) => constantOf(entry, parameters))],
  };
  return encodeOnnx(whole, metadata);
}

function constantOf({ name, shape, offset, size }: ParameterEntry, all: Float32Array): Constant {
  return { name, shape, type: 'float32', data: all.subarray(offset, offset + size) };
}
