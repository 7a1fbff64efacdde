/**
 * @file The one description of a run: every option with its default, range and meaning.
 *
 * Help, `config show`, validation and types all read this schema. Pure; `load.ts` does the I/O.
 */
import { z } from 'zod';
import { parseBytes } from '../core/units.ts';
import { ENCODER_SIZES } from '../model/variants.ts';

const SIZES = Object.keys(ENCODER_SIZES);
const count = z.int().min(1);
const fraction = z.number().min(0).max(1);
const positive = z.number().positive();
/** Text of one form; `title` names it in messages and in the list of options. */
const text = (form: RegExp, title: string) => z.string().regex(form).meta({ title });
/** A size with its unit, parsed to bytes. */
const bytes = z
  .union([z.string(), z.int().positive()])
  .meta({ title: 'size such as 64MiB' })
  .transform((value, context) => {
    const size = typeof value === 'number' ? value : parseBytes(value);
    if (size !== undefined && size > 0) return size;
    context.addIssue('not a size');
    return z.NEVER;
  });

const data = z.strictObject({
  source: z
    .enum(['mnist', 'image-folder', 'idx'])
    .describe(
      'Kind of data set: the embedded digits, a folder of images, or MNIST-style idx files',
    ),
  path: z
    .string()
    .optional()
    .describe(
      'Folder of the data set, relative to the config file, or a name of `tessera data get`',
    ),
  access: z
    .enum(['coordinator', 'local'])
    .default('coordinator')
    .describe('Whether workers fetch samples from the coordinator or read the same files in place'),
  links: z
    .enum(['inside', 'follow'])
    .default('inside')
    .describe(
      'Links in a folder of images: inside refuses those that leave it; follow takes files and folders anywhere',
    ),
  testFraction: fraction
    .default(0.2)
    .describe(
      'Share of the samples held out for testing where the set has no test split of its own',
    ),
  validation: z
    .union([z.number().gt(0).lt(1), z.string().min(1)])
    .meta({ title: 'auto, none, a share such as 0.1, or a folder' })
    .default('auto')
    .describe(
      'What the best checkpoint is chosen on: a share of the training images, a folder, or none (auto: the val folder of a set that has a test folder too)',
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('1 for grey images, 3 for RGB'),
  background: text(/^#[0-9a-fA-F]{6}$/, "colour such as '#ffffff', in quotes")
    .optional()
    .describe(
      'Colour behind transparent images, such as #ffffff (default: alpha is dropped, as torchvision and timm do)',
    ),
  resize: z
    .enum(['stretch', 'crop', 'squash'])
    .default('crop')
    .describe(
      'stretch: to the square as it is; crop: short side, then the centre; squash: stretched, then the centre',
    ),
  cropFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe(
      'With resize crop and squash: side of the centre crop over the short side (0.9 for timm ViT weights)',
    ),
  cropRounding: z
    .enum(['even', 'down'])
    .optional()
    .describe(
      'Where a centre crop lies when the room around it is odd: even (timm, torchvision; default), down (transformers)',
    ),
  interpolation: z
    .enum(['bicubic', 'bilinear', 'lanczos'])
    .default('bicubic')
    .describe(
      'How pixels are resampled: bicubic (timm), bilinear (torchvision), lanczos; all antialiased',
    ),
  mean: z
    .array(z.number())
    .min(1)
    .max(3)
    .default([0.5])
    .describe('Per-channel mean, of pixels in 0..1'),
  deviation: z
    .array(positive)
    .min(1)
    .max(3)
    .default([0.5])
    .describe('Per-channel standard deviation, of pixels in 0..1'),
  augment: z
    .strictObject({
      shift: z
        .int()
        .min(0)
        .default(0)
        .describe('Random shift of up to this many pixels each way (0: off)'),
      flip: z.boolean().default(false).describe('Random horizontal flip'),
      cropScale: z
        .tuple([z.number().gt(0).max(1), z.number().gt(0).max(1)])
        .default([1, 1])
        .describe('Random resized crop: smallest and largest share of the area ([1, 1]: off)'),
      policy: z
        .enum(['none', 'trivial', 'rand'])
        .default('none')
        .describe('Random operations on colours and geometry: TrivialAugmentWide or RandAugment'),
      randOps: count.default(2).describe('RandAugment: operations on each image'),
      randMagnitude: z
        .int()
        .min(0)
        .max(30)
        .default(9)
        .describe('RandAugment: strength of the operations'),
      erasing: fraction.default(0).describe('Random erasing: share of the images (0: off)'),
      mixup: z
        .number()
        .min(0)
        .default(0)
        .describe('Mixup: alpha of the Beta distribution of the shares (0: off)'),
      cutmix: z.number().min(0).default(0).describe('CutMix: the same, for areas (0: off)'),
      mixProbability: fraction
        .default(1)
        .describe('Share of the images that mixup or CutMix changes, where one is on'),
    })
    .prefault({})
    .describe('Random changes of the training images, a pure function of seed, epoch and sample'),
  onBadImage: z
    .enum(['skip', 'fail'])
    .default('skip')
    .describe('What an unreadable image does: count as weight 0 and be reported, or end the run'),
  cacheBytes: bytes.prefault('512MiB').describe('Most bytes of samples that a worker keeps'),
});

const model = z.strictObject({
  variant: text(
    new RegExp(`^(${SIZES.join('|')})/[1-9][0-9]*$`),
    `ViT variant such as B/16 (sizes ${SIZES.join(', ')}, then / and the patch size)`,
  )
    .optional()
    .describe('Public name of the size and patch, such as Ti/16; or give the five numbers instead'),
  imageSize: count.max(16_384).describe('Side of the square input image in pixels'),
  patchSize: count.max(16_384).optional().describe('Side of a square patch in pixels'),
  width: count.max(65_536).optional().describe('Width of a token, D'),
  depth: count.max(1_000).optional().describe('Encoder blocks, L'),
  heads: count.max(65_536).optional().describe('Attention heads'),
  mlpWidth: count
    .max(1_048_576)
    .optional()
    .describe('Hidden width of the MLP (default: 4 x width)'),
  normEpsilon: positive
    .max(0.1)
    .optional()
    .describe('Added to the variance in layer norms (default: 1e-6; transformers: 1e-12)'),
  positionDeviation: z
    .number()
    .min(0)
    .default(0.02)
    .describe(
      'Deviation of the initial position embeddings (0.02: the paper; small models learn faster from 1)',
    ),
  init: z
    .strictObject({
      weights: z
        .string()
        .describe(
          'Weights to start from: a file or folder, relative to the config file, or a name of `tessera weights get`',
        ),
      head: z
        .enum(['new', 'keep'])
        .default('new')
        .describe('new: a head of zeros for the classes of the data; keep: the one of the weights'),
      key: z
        .string()
        .optional()
        .describe('Which model of weights that hold several: keys or prefix, such as teacher'),
    })
    .optional()
    .describe('Pretrained weights'),
  freeze: text(
    /^(none|backbone|blocks<[1-9][0-9]*)$/,
    'none, backbone (all but the head) or blocks<K (the embedding and the first K blocks)',
  )
    .default('none')
    .describe('Parameters that stay as they are, and are neither sent back nor stepped'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of activations dropped after every dense layer but qkv, and the embedding'),
  stochasticDepth: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of samples that skip the last residual branch; it grows with depth from 0'),
});

const optimizer = z.strictObject({
  name: z
    .enum(['adamw', 'adam', 'sgd'])
    .default('adamw')
    .describe('AdamW, Adam with coupled weight decay, or SGD with momentum'),
  learningRate: positive.describe('Peak learning rate'),
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

const training = z.strictObject({
  epochs: count.describe('Passes over the training data'),
  batchSize: count.describe('Samples of one step, over all workers'),
  microBatch: count.describe(
    'Samples of one leaf: the unit of work and of the sum; part of the numbers',
  ),
  optimizer,
  schedule: z
    .strictObject({
      name: z
        .enum(['cosine', 'linear', 'constant'])
        .default('cosine')
        .describe('Shape after the warm-up'),
      warmupSteps: z.int().min(0).default(0).describe('Steps of linear rise from 0 (0: none)'),
      finalRate: z.number().min(0).default(0).describe('Learning rate at the last step'),
    })
    .prefault({}),
  clipNorm: z.number().min(0).default(0).describe('Clip the gradient at this global norm (0: off)'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of the target spread over all classes'),
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

const checkpoint = z.strictObject({
  everySteps: z
    .int()
    .min(0)
    .default(0)
    .describe('Save every so many steps (0: only at the end of an epoch)'),
  everyEpochs: z.int().min(0).default(1).describe('Save every so many epochs (0: off)'),
  keep: count.default(3).describe('Newest checkpoints to keep; the best one is kept besides'),
});

const cluster = z.strictObject({
  listen: text(/^.+:\d{1,5}$/, 'HOST:PORT such as 127.0.0.1:50051')
    .default('127.0.0.1:0')
    .describe('Address of the coordinator (port 0: any free one)'),
  workers: z
    .union([z.literal('auto'), count])
    .default('auto')
    .describe(
      'Worker processes that `tessera train` starts (auto: one a GPU, else one for two cores, at least 2)',
    ),
  minWorkers: count.default(1).describe('Workers that must be there before a step is handed out'),
  restarts: z
    .int()
    .min(0)
    .default(3)
    .describe('Times `tessera train` starts a dead worker again, over the run'),
  heartbeatMs: count.default(1000).describe("Interval of the workers' heartbeats"),
  silenceMs: z
    .int()
    .min(500)
    .default(10_000)
    .describe('A side of a connection that is not heard of for so long is lost'),
  leaseMs: count
    .default(60_000)
    .describe('Longest time for leased leaves before others may compute them too'),
  stallMs: count
    .default(60_000)
    .describe('When no step, evaluation or checkpoint completes for so long, the run says why'),
});

const compute = z.strictObject({
  engine: z
    .enum(['auto', 'onnxruntime', 'tfjs-node-gpu', 'tfjs-node', 'tfjs-cpu'])
    .default('auto')
    .describe('What runs the step (auto: the first that works; see tessera doctor)'),
  provider: z
    .enum(['auto', 'cpu', 'webgpu', 'cuda'])
    .default('auto')
    .describe('Execution provider of onnxruntime'),
  threads: z
    .union([z.literal('auto'), count])
    .default('auto')
    .describe('Threads of a worker on CPU (auto: cores / workers on this machine)'),
});

const limits = z.strictObject({
  workersMax: count.max(4096).default(256).describe('Most workers of a run'),
  messageBytes: bytes.prefault('4MiB').describe('Largest single gRPC message'),
  chunkBytes: bytes.prefault('1MiB').describe('Payload of one chunk'),
  sampleBytes: bytes
    .prefault('64MiB')
    .describe('Bytes of samples on their way to one worker; a larger sample goes alone'),
  featureBytes: bytes
    .prefault('2GiB')
    .describe('Most bytes of features of a frozen backbone that the coordinator keeps'),
  rpcMs: count.default(120_000).describe('Deadline of one bulk call'),
  connectionsMax: count
    .default(1024)
    .describe('Most connections to the coordinator, two a worker; further ones are closed'),
  streamsMax: count.default(64).describe('Most calls under way on one connection'),
  pushesMax: count
    .default(4)
    .describe('Most nodes that one worker may be pushing, each with the memory of a gradient'),
  pullsMax: count
    .default(4)
    .describe('Most pulls of parameters that one worker may have under way'),
  joinsPerMinute: count.default(600).describe('Most joins a minute from one address'),
});

/** A run's configuration before the cross-field rules. */
const fields = z.strictObject({
  name: text(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/,
    'name of up to 64 letters, digits, dots, dashes, underscores',
  ).describe('Name of the run; its folder is runs/NAME-TIME'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(42)
    .describe('Decides every random choice of the run'),
  data,
  model,
  training,
  evaluation: z
    .strictObject({
      everyEpochs: z
        .int()
        .min(0)
        .default(1)
        .describe('Test every so many epochs (0: only at the end)'),
    })
    .prefault({}),
  checkpoint: checkpoint.prefault({}),
  cluster: cluster.prefault({}),
  compute: compute.prefault({}),
  limits: limits.prefault({}),
});

/** The schema of a config file. Cross-field rules are in `rules.ts`, since they need the model's numbers. */
export const configSchema = fields;

/** A complete, validated configuration. */
export type RunConfig = z.infer<typeof configSchema>;
export type DataConfig = RunConfig['data'];
export type TrainingConfig = RunConfig['training'];
export type OptimizerConfig = TrainingConfig['optimizer'];
export type ScheduleConfig = TrainingConfig['schedule'];
