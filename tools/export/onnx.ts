/** @file A trained model as one ONNX file for others to run: images in, logits out, the weights inside. */
import { record } from '../../shared/compute/graph/backend.ts';
import { simplify } from '../../shared/compute/graph/simplify.ts';
import { encodeOnnx } from '../../shared/compute/lower/onnx-model.ts';
import { assert } from '../../shared/core/errors.ts';
import { parameterTable, parameterView } from '../../shared/model/parameters.ts';
import type * as tf from '../../shared/model/tensorflow.ts';
import { vit } from '../../shared/model/vit.ts';
import type { TrainedModel } from '../inference/read/read-model.ts';
import { lowerForAnyBatch } from './any-batch.ts';
import { modelFacts } from './model-facts.ts';
import { type WeightStorage, withStoredWeights } from './stored-weights.ts';

/** How a model is written. */
export interface OnnxOptions {
  /** What the images are called: `pixel_values` is Hugging Face's name. */
  readonly input: 'images' | 'pixel_values';
  readonly weights: WeightStorage;
}

/**
 * The bytes of an ONNX model, in standard operators that any runtime has. What it says of itself (metadata_props) has one
 * text for each fact, lists as JSON.
 *
 * Shapes  input float32 [batch, C, S, S], normalised -> output `logits` float32 [batch, classes].
 */
export async function exportOnnx(
  trained: TrainedModel,
  { input: inputName, weights }: OnnxOptions = { input: 'images', weights: 'float32' },
): Promise<Uint8Array> {
  const { model, parameters } = trained;
  const { channels, imageSize } = model;
  const table = parameterTable(model);
  assert(parameters.length === table.size, 'the parameters are those of the model');
  const graph = await record(({ input, parameter }) => {
    const tensors = table.entries.map((entry) => {
      const { name, shape } = entry;
      return [name, parameter(name, shape, parameterView(parameters, entry))] as const;
    });
    const images = input(inputName, [1, channels, imageSize, imageSize]) as tf.Tensor4D;
    return new Map([['logits', vit(images, Object.fromEntries(tensors), model)]]);
  });
  const lowered = withStoredWeights(lowerForAnyBatch(simplify(graph)), weights);
  const { classes, pixels, ...facts } = modelFacts(trained);
  const named = trained.areClassesNamed ? { classes } : {};
  const metadata = Object.entries({ ...named, ...facts, ...pixels })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  return encodeOnnx(lowered, Object.fromEntries(metadata));
}
