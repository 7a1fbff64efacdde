/** @file A trained model as one ONNX file for others to run: images in, logits out, the weights inside. */
import type * as tf from '@tensorflow/tfjs-core';
import { record } from '../../shared/compute/graph/backend.ts';
import { simplify } from '../../shared/compute/graph/simplify.ts';
import { lowerToOnnx } from '../../shared/compute/lower/onnx.ts';
import { encodeOnnx } from '../../shared/compute/lower/onnx-model.ts';
import { assert } from '../../shared/core/errors.ts';
import { parameterTable, parameterView } from '../../shared/model/parameters.ts';
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
 * The bytes of an ONNX model, in standard operators that any runtime has.
 *
 * Shapes  input `images` float32 [batch, C, S, S], normalised -> output `logits` float32 [batch, classes].
 */
export async function exportOnnx(options: OnnxOptions): Promise<Uint8Array> {
  const { model, parameters, batch, metadata = {} } = options;
  const { channels, imageSize } = model;
  const table = parameterTable(model);
  assert(parameters.length === table.size, 'the parameters are those of the model');
  const graph = await record(({ input, parameter }) => {
    const tensors = table.entries.map((entry) => {
      const { name, shape } = entry;
      return [name, parameter(name, shape, parameterView(parameters, entry))] as const;
    });
    const images = input('images', [batch, channels, imageSize, imageSize]) as tf.Tensor4D;
    return new Map([['logits', vit(model, new Map(tensors), images)]]);
  });
  return encodeOnnx(lowerToOnnx(simplify(graph)), metadata);
}
