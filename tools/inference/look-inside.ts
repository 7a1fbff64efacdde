/** @file Runs a model on images and returns tensors from its inside, computed by ONNX Runtime on the CPU. */
import { runGraph } from '../../shared/compute/engines/onnxruntime/program.ts';
import { record } from '../../shared/compute/graph/backend.ts';
import { imagesShape } from '../../shared/compute/step.ts';
import { parameterTable, parameterViews } from '../../shared/model/parameters.ts';
import type * as tf from '../../shared/model/tensorflow.ts';
import type { ParameterTensors } from '../../shared/model/tensors.ts';
import { features, type Hooks } from '../../shared/model/vit.ts';
import type { TrainedModel } from './read/read-model.ts';

/** Names the tensors that are wanted. `run` runs the backbone; every parameter must have a part in what is named. */
type Look = (
  run: (hooks: Hooks) => tf.Tensor2D,
  tensors: ParameterTensors,
) => ReadonlyMap<string, tf.Tensor>;

/** The values of what `look` names. Shapes  images [B, C, S, S] flat, normalised. */
export async function lookInside(
  { model, parameters }: Pick<TrainedModel, 'model' | 'parameters'>,
  images: Float32Array,
  look: Look,
): Promise<ReadonlyMap<string, Float32Array>> {
  const numImages = images.length / (model.channels * model.imageSize ** 2);
  const shape = imagesShape({ model, microBatch: numImages, labelSmoothing: 0 });
  const table = parameterTable(model);
  const graph = await record((inputs) => {
    const tensors = Object.fromEntries(
      table.entries.map((entry) => [entry.name, inputs.input(entry.name, entry.shape)]),
    );
    const run = (hooks: Hooks) =>
      features(inputs.input('images', shape) as tf.Tensor4D, tensors, model, hooks);
    return look(run, tensors);
  });
  return await runGraph(graph, parameterViews(parameters, table).set('images', images));
}
