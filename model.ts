/**
 * @file The blocks of the model: what programs import from `tessera-train/model`. docs/api.md explains it.
 *
 * Plain functions of TensorFlow.js tensors, of which the model that runs train is made, and what a loop of one's own
 * needs to train it.
 */

// Before all else: ONNX Runtime, which the others load, must report nothing to its makers.
import './shared/compute/telemetry.ts';

export { tf } from './shared/compute/engines/tfjs-here.ts';
export {
  classify,
  classToken,
  type EncoderOptions,
  layerNorm,
  linear,
  mlp,
  multiHeadSelfAttention,
  patchEmbedding,
} from './shared/model/layers.ts';
export { crossEntropy, type Targets } from './shared/model/loss.ts';
export { gelu } from './shared/model/ops.ts';
export {
  type ParameterEntry,
  type ParameterTable,
  parameterTable,
} from './shared/model/parameters.ts';
export { type Activations, type ParameterTensors, part } from './shared/model/tensors.ts';
export { type ModelConfig, modelConfig, type VariantOptions } from './shared/model/variants.ts';
export { type BlockHooks, encoderBlock, features, type Hooks, vit } from './shared/model/vit.ts';
export type { Batch } from './tools/blocks/batch.ts';
export type { Optimizer, OptimizerStep } from './tools/blocks/optimizer.ts';
export {
  initialParameters,
  type LoadedParameters,
  loadParameters,
  variables,
} from './tools/blocks/parameters.ts';
export { openTraining, type Training, type TrainingOptions } from './tools/blocks/training.ts';
