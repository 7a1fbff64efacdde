/** @file The `training` section of a config: batches, optimizer, schedule and loss. */
import { z } from 'zod';
import { count, fraction, positive } from '../core/options.ts';
import { PRECISIONS } from '../model/precision.ts';

const EPOCHS = 'Passes over the training data';
const BATCH_SIZE = 'Samples of one step, over all workers';
const LEARNING_RATE = 'Peak learning rate';

const optimizer = z.strictObject({
  name: z
    .enum(['adamw', 'adam', 'sgd'])
    .default('adamw')
    .describe('AdamW, Adam with coupled weight decay, or SGD with momentum'),
  learningRate: positive.describe(LEARNING_RATE),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('Decoupled for adamw, coupled for adam and sgd; skips biases and norms'),
  beta1: fraction.default(0.9).describe('Adam: decay of the first moment'),
  beta2: fraction.default(0.999).describe('Adam: decay of the second moment'),
  epsilon: positive.default(1e-8).describe('Adam: added to the denominator'),
  momentum: fraction.default(0.9).describe('SGD: momentum (0: off)'),
  layerDecay: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Learning rate of each layer over that of the layer above it (1: all alike)'),
});

const CLASS_WEIGHTS =
  'How much an image of each class counts in the loss: none (all alike), balanced (each class alike), or a list, a number a class';

const MICRO_BATCH =
  'Samples of one leaf: the unit of work and of the sum; part of the numbers (auto: the largest that fits the memory that an engine of xla reports on this machine when the run begins; with other engines by the batch)';

/** Of a run: `plannedTraining` has what a config may say before a run begins. */
export const trainingOptions = z.strictObject({
  epochs: count.describe(EPOCHS),
  batchSize: count.describe(BATCH_SIZE),
  microBatch: count.describe(MICRO_BATCH),
  precision: z
    .enum(PRECISIONS)
    .default('f32')
    .describe('Numbers that products of matrices are computed in; part of the numbers'),
  recompute: z
    .enum(['none', 'blocks'])
    .default('none')
    .describe(
      'blocks: keep only what each block begins with, and compute the rest again for the gradient: less memory (the same bits with onnxruntime; those of xla may differ in the last place)',
    ),
  optimizer,
  schedule: z
    .strictObject({
      name: z
        .enum(['cosine', 'linear', 'constant', 'plateau', 'rising'])
        .default('cosine')
        .describe(
          'Shape after the warm-up; plateau: constant, and cut when evaluations stop getting better; rising: what `tessera find lr` tries',
        ),
      warmupSteps: z.int().min(0).default(0).describe('Steps of linear rise from 0 (0: none)'),
      finalRate: z.number().min(0).default(0).describe('Learning rate at the last step'),
      patience: count
        .default(3)
        .describe('plateau: epochs without a better evaluation before a cut'),
      factor: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.1)
        .describe('plateau: the learning rate after a cut over that before'),
    })
    .prefault({}),
  clipNorm: z.number().min(0).default(0).describe('Clip the gradient at this global norm (0: off)'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of the target spread over all classes'),
  earlyStopping: z
    .int()
    .min(0)
    .default(0)
    .describe('End the run when no evaluation has been better for so many epochs (0: off)'),
  classWeights: z
    .union([z.literal('none'), z.array(positive).min(2)])
    .default('none')
    .describe(CLASS_WEIGHTS),
  averageDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Decay of the moving average of the weights, which is then tested and kept (0: off)'),
  cacheFeatures: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      "auto: compute an image's features once where the backbone is frozen and the image fixed",
    ),
});

/** As a config says it: what `auto` is is found when a run begins. */
export const plannedTraining = trainingOptions.extend({
  epochs: orAuto(count, `${EPOCHS} (auto: by the number of images, and by what trains)`),
  batchSize: orAuto(count, `${BATCH_SIZE} (auto: by the number of images, and by what trains)`),
  microBatch: orAuto(count, MICRO_BATCH),
  classWeights: z
    .union([z.enum(['none', 'balanced']), z.array(positive).min(2)])
    .default('none')
    .describe(CLASS_WEIGHTS),
  optimizer: optimizer
    .extend({
      learningRate: orAuto(
        positive,
        `${LEARNING_RATE} (auto: by the optimizer, and by what trains)`,
      ),
    })
    .prefault({}),
});

function orAuto<Value extends z.ZodType>(value: Value, description: string) {
  return z
    .union([z.literal('auto'), value])
    .default('auto')
    .describe(description);
}

export type TrainingConfig = z.infer<typeof trainingOptions>;
export type OptimizerConfig = TrainingConfig['optimizer'];
export type ScheduleConfig = TrainingConfig['schedule'];
