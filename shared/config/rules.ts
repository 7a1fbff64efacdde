/** @file The rules of a config that span several fields. */
import { lackOf } from '../compute/engines/abilities.ts';
import { ENGINES } from '../compute/engines/registry.ts';
import { TesseraError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { mixesImages } from '../data/options.ts';
import { epsilonOf, type ModelConfig, parseVariant } from '../model/variants.ts';
import { dataProblems } from './data-rules.ts';
import { webhookProblem } from './observe.ts';
import type { ConfigProblem } from './problems.ts';
import type { PlannedConfig } from './schema.ts';

/** Bytes of a chunk's message beside the chunk: its other fields and gRPC's framing. */
const ENVELOPE_BYTES = 64 * 1024;
const SHAPE_KEYS = ['patchSize', 'width', 'depth', 'heads', 'mlpWidth'] as const;
const NEEDED_KEYS = ['patchSize', 'width', 'depth', 'heads'] as const;

/** All violated rules of a config; empty for a valid one. */
export function checkConfig(config: PlannedConfig): readonly ConfigProblem[] {
  const webhook = webhookProblem(config.observe.webhook);
  return [
    ...[...modelProblems(config), ...dataProblems(config), ...runProblems(config)],
    ...(webhook === undefined ? [] : [webhook]),
  ];
}

/** Throws  DATA_INVALID when there is only one class. */
export function refuseSingleClass(classes: readonly string[]): void {
  if (classes.length > 1) return;
  throw new TesseraError(
    'DATA_INVALID',
    `the data set has a single class (${classes[0]}); classification needs at least two`,
    {
      hint: `the data set is the folder that contains the class folders; if the classes are in ${classes[0]}, it is that one`,
    },
  );
}

/**
 * Checks a config against its data set.
 *
 * Throws  CONFIG_INVALID when a split is too small, or the warm-up as long as the run; DATA_INVALID when
 *         there is only one class.
 */
export function checkAgainstData(
  config: PlannedConfig,
  {
    size: samples,
    classes,
  }: {
    readonly size: { readonly train: number; readonly test: number };
    readonly classes: readonly string[];
  },
): void {
  refuseSingleClass(classes);
  const { batchSize, epochs, schedule, classWeights } = config.training;
  if (Array.isArray(classWeights) && classWeights.length !== classes.length) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `training.classWeights: ${classWeights.length} weights for ${classes.length} classes`,
      { hint: 'give one weight a class, in the order of their names, or balanced' },
    );
  }
  if (batchSize !== 'auto' && samples.train < batchSize) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `training.batchSize: a batch of ${batchSize} samples is larger than the training set, which has ${samples.train}`,
      { hint: `choose a training.batchSize of at most ${samples.train}` },
    );
  }
  if (samples.test === 0) {
    throw new TesseraError('CONFIG_INVALID', 'data.testFraction: the test set is empty', {
      hint: 'choose a larger share, such as 0.2, or give the data set a test folder',
    });
  }
  if (epochs === 'auto' || batchSize === 'auto') return;
  const steps = epochs * Math.ceil(samples.train / batchSize);
  if (schedule.warmupSteps >= steps) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `training.schedule.warmupSteps: ${schedule.warmupSteps} must be less than the steps of the run, which has ${steps}`,
      { hint: `choose at most ${steps - 1}, or train for more epochs` },
    );
  }
}

/**
 * The shape of a config's model, from its variant or its numbers.
 *
 * Throws  CONFIG_INVALID when it has neither; `checkConfig` says so first.
 */
export function resolveModel(config: PlannedConfig, numClasses: number): ModelConfig {
  const { variant, imageSize, patchSize, width, depth, heads, mlpWidth } = config.model;
  const epsilon = epsilonOf(config.model.normEpsilon);
  const input = { imageSize, channels: config.data.channels, numClasses, ...epsilon };
  if (variant !== undefined) return { ...parseVariant(variant), ...input };
  if (
    patchSize === undefined ||
    width === undefined ||
    depth === undefined ||
    heads === undefined
  ) {
    throw new TesseraError(
      'CONFIG_INVALID',
      'model: neither a variant nor patchSize, width, depth and heads',
      { hint: 'set model.variant, such as Ti/16, or the four numbers' },
    );
  }
  return { ...input, patchSize, width, depth, heads, mlpWidth: mlpWidth ?? 4 * width };
}

function* modelProblems(config: PlannedConfig): Generator<ConfigProblem> {
  const { model } = config;
  const given = SHAPE_KEYS.filter((key) => model[key] !== undefined);
  const missing = NEEDED_KEYS.filter((key) => model[key] === undefined);
  if (model.variant !== undefined && given.length > 0) {
    const removals = given.map((key) => `--set model.${key}=null`).join(' ');
    yield {
      path: ['model', 'variant'],
      sentence: `${model.variant} already sets ${given.join(', ')}, which are given too`,
      hint: `keep one of the two; on the command line: ${removals}, or --set model.variant=null`,
    };
    return;
  }
  if (model.variant === undefined && missing.length > 0) {
    yield {
      path: ['model'],
      sentence: `without a variant it needs ${missing.join(', ')}`,
      hint: 'set model.variant, such as Ti/16, or patchSize, width, depth and heads',
    };
    return;
  }
  const { imageSize, patchSize, width, heads } = resolveModel(config, 1);
  if (imageSize % patchSize !== 0) {
    yield {
      path: ['model', model.variant === undefined ? 'patchSize' : 'variant'],
      sentence: `patches of ${patchSize} pixels do not divide an image of ${imageSize}`,
      hint: `choose a model.imageSize of ${multiplesNear(imageSize, patchSize)}, or another patch size`,
    };
  }
  if (width % heads !== 0) {
    yield {
      path: ['model', 'heads'],
      sentence: `${heads} heads do not divide a width of ${width}`,
      hint: `choose a width of ${multiplesNear(width, heads)}, or another number of heads`,
    };
  }
  const blocks = Number(/^blocks<(\d+)$/.exec(model.freeze)?.[1] ?? 0);
  const { depth } = resolveModel(config, 1);
  if (blocks > depth) {
    yield {
      path: ['model', 'freeze'],
      sentence: `${model.freeze} of a model with ${depth} blocks`,
      hint: `choose at most blocks<${depth}, or backbone`,
    };
  }
}

/** Where an engine is named that lacks the precision; `auto` is decided by each machine. */
function* precisionProblems({ training, compute }: PlannedConfig): Generator<ConfigProblem> {
  const { engine, provider } = compute;
  const named = ENGINES.filter(
    ({ name, provider: own }) =>
      name === engine && (provider === 'auto' || own === undefined || own === provider),
  );
  const { precision } = training;
  const lacks = named.map((each) => lackOf(each, { precision }));
  const [lack] = lacks;
  if (lack === undefined || lacks.includes(undefined)) return;
  const name = provider === 'auto' ? engine : `${engine} (${provider})`;
  yield {
    path: ['training', 'precision'],
    sentence: `engine ${name} ${lack.sentence}`,
    hint: lack.hint,
  };
}

function* runProblems(config: PlannedConfig): Generator<ConfigProblem> {
  const { training, limits, cluster } = config;
  yield* precisionProblems(config);
  const { microBatch, batchSize } = training;
  if (microBatch !== 'auto' && batchSize !== 'auto' && microBatch > batchSize) {
    yield {
      path: ['training', 'microBatch'],
      sentence: `a leaf of ${microBatch} samples is larger than the batch of ${batchSize}`,
      hint: `choose at most ${batchSize}`,
    };
  }
  if (mixesImages(config) && training.microBatch === 1) {
    yield {
      path: ['training', 'microBatch'],
      sentence: 'mixup and cutmix need a microBatch of at least 2',
      hint: 'choose at least 2, or turn data.augment.mixup and data.augment.cutmix off',
    };
  }
  if (limits.chunkBytes + ENVELOPE_BYTES > limits.messageBytes) {
    yield {
      path: ['limits', 'chunkBytes'],
      sentence: `a chunk of ${formatBytes(limits.chunkBytes)} and its envelope of ${formatBytes(ENVELOPE_BYTES)} do not fit into a message of ${formatBytes(limits.messageBytes)}`,
      hint: 'make limits.chunkBytes smaller or limits.messageBytes larger',
    };
  }
  if (cluster.silenceMs < 2 * cluster.heartbeatMs) {
    yield {
      path: ['cluster', 'silenceMs'],
      sentence: `${cluster.silenceMs} must be at least twice cluster.heartbeatMs (${cluster.heartbeatMs})`,
      hint: `choose at least ${2 * cluster.heartbeatMs}, or make cluster.heartbeatMs smaller`,
    };
  }
  if (cluster.minWorkers > limits.workersMax) {
    yield {
      path: ['cluster', 'minWorkers'],
      sentence: `${cluster.minWorkers} exceeds limits.workersMax (${limits.workersMax})`,
      hint: 'make cluster.minWorkers smaller or limits.workersMax larger',
    };
  }
}

/** `96 or 112` for 100 and 16: the nearest multiples on both sides. */
function multiplesNear(value: number, unit: number): string {
  const below = Math.floor(value / unit) * unit;
  return below === 0 ? `${unit}` : `${below} or ${below + unit}`;
}
