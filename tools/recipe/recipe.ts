/** @file How to train on a folder of images: a config, and the reason of each choice. Pure. */
import type { RunConfigInput } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatCount } from '../../shared/core/units.ts';
import {
  fittingBatch,
  fittingEpochs,
  fittingLeaf,
  fittingRate,
  type TrainingKind,
} from '../../shared/training/fitting.ts';
import type { FolderFacts } from './look.ts';
import type { Pretrained } from './pretrained.ts';

/** One value of the config. */
export interface Choice {
  /** Its dotted path. */
  readonly option: string;
  readonly value: unknown;
  /** A sentence, where the value is a decision. */
  readonly reason?: string;
}

/** What is known before a recipe is made. */
export interface RecipeInputs {
  readonly facts: FolderFacts;
  readonly pretrained: Pretrained | undefined;
  /** What is trained, where that was decided already. */
  readonly kind?: TrainingKind | undefined;
  /** Passes over the training images, where they were given. */
  readonly epochs?: number | undefined;
}

/** A recipe. */
export interface Recipe {
  readonly kind: TrainingKind;
  readonly choices: readonly Choice[];
  /** Images of each split, and epochs. */
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly epochs: number;
  readonly batchSize: number;
}

/** With fewer images, pretrained features and a new head learn more than all weights do. */
const FINETUNE_IMAGES = 1000;
/** With fewer images, each that chooses an epoch is missed where it would train. */
const VALIDATION_IMAGES = 500;
/** The largest class over the smallest one, from which the smaller ones count more. */
const UNEVEN = 2;

/** Makes a recipe. Throws  DATA_INVALID when the folder has too few images to hold some back for testing. */
export function recipeFor(inputs: RecipeInputs): Recipe {
  const { facts, pretrained, kind: wanted } = inputs;
  const all = facts.counts.reduce((sum, count) => sum + count, 0);
  const testShare = facts.hasTest ? 0 : shareFor(all);
  const test = facts.hasTest ? facts.testImages : drawn(facts, testShare);
  const rest = facts.hasTest ? all : all - test;
  const kind = wanted ?? kindFor(rest, pretrained);
  const validationShare = validationFor(kind, rest, facts);
  const validation = typeof validationShare === 'number' ? Math.round(validationShare * rest) : 0;
  const train = rest - validation;
  const optimizer = { name: 'adamw', layerDecay: kind === 'finetune' ? 0.7 : 1 } as const;
  const epochs = inputs.epochs ?? fittingEpochs(kind, train);
  const batchSize = fittingBatch(kind, train);
  const steps = epochs * Math.ceil(train / batchSize);
  const choices: Choice[] = [
    { option: 'name', value: runName(facts.name) },
    { option: 'data.source', value: 'image-folder' },
    { option: 'data.path', value: facts.path },
    ...testChoice(facts, testShare),
    ...validationChoice(validationShare, facts),
    ...pixelChoices(kind, pretrained),
    ...modelChoices(kind, pretrained, rest),
    ...[
      { option: 'training.epochs', value: epochs, reason: epochsReason(kind, train) },
      {
        option: 'training.batchSize',
        value: batchSize,
        reason: `${Math.ceil(train / batchSize)} equal steps an epoch`,
      },
      {
        option: 'training.microBatch',
        value: fittingLeaf(batchSize, kind === 'scratch' ? 2 : 1),
        reason: 'images that a worker computes at a time',
      },
    ],
    ...optimizerChoices(kind, optimizer, steps),
    ...unevenChoices(facts),
    ...evaluationChoices(validationShare, facts),
  ];
  return { kind, choices, images: { train, validation, test }, epochs, batchSize };
}

/** The config of a recipe. */
export function configOf({ choices }: Recipe): RunConfigInput {
  const tree: Record<string, unknown> = {};
  for (const { option, value } of choices) {
    const keys = option.split('.');
    const last = keys.pop() as string;
    let section = tree;
    for (const key of keys) {
      section[key] ??= {};
      section = section[key] as Record<string, unknown>;
    }
    section[last] = value;
  }
  return tree as unknown as RunConfigInput;
}

/** A name that a run may have. */
export function runName(folder: string): string {
  const name = folder.replace(/[^a-zA-Z0-9._-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  return name.slice(0, 64) || 'photos';
}

function kindFor(images: number, pretrained: Pretrained | undefined): TrainingKind {
  if (pretrained === undefined) return 'scratch';
  return images < FINETUNE_IMAGES ? 'head' : 'finetune';
}

function shareFor(images: number): number {
  if (images < 1000) return 0.2;
  return images < 10_000 ? 0.15 : 0.1;
}

/** Images that a share holds back: each class keeps one. */
function drawn({ counts }: FolderFacts, share: number): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const room = counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const number = Math.min(room, Math.round(share * all));
  if (number > 0) return number;
  const most = Math.max(0, ...counts);
  throw new TesseraError(
    'DATA_INVALID',
    most <= 1
      ? 'each class has a single image: none is left to test with'
      : `${formatCount(all)} images are too few to hold some back for testing`,
    { hint: 'put at least five images into each class, or add a test folder' },
  );
}

function validationFor(
  kind: TrainingKind,
  images: number,
  { hasValidation, hasTest }: FolderFacts,
): number | 'auto' | 'none' {
  if (hasValidation && hasTest) return 'auto';
  if (images < VALIDATION_IMAGES && kind !== 'scratch') return 'none';
  return images < 5000 ? 0.1 : 0.05;
}

function testChoice({ hasTest }: FolderFacts, share: number): Choice[] {
  if (hasTest) return [];
  const reason = 'share of the images that is never trained on: the end is tested with it';
  return [{ option: 'data.testFraction', value: share, reason }];
}

function validationChoice(share: number | 'auto' | 'none', { hasTest }: FolderFacts): Choice[] {
  if (share === 'auto') return [];
  const reason =
    share === 'none'
      ? 'so few images are better trained on; the last epoch is kept, and tested once'
      : `share of the ${hasTest ? 'training ' : 'other '}images that chooses the best epoch`;
  return [{ option: 'data.validation', value: share, reason }];
}

function pixelChoices(kind: TrainingKind, pretrained: Pretrained | undefined): Choice[] {
  const augment = {
    head: [],
    finetune: [
      { option: 'data.augment.flip', value: true, reason: 'a photo may be seen from both sides' },
      { option: 'data.augment.cropScale', value: [0.6, 1], reason: 'and from nearer' },
    ],
    scratch: [
      { option: 'data.augment.flip', value: true, reason: 'a photo may be seen from both sides' },
      { option: 'data.augment.cropScale', value: [0.35, 1], reason: 'and from nearer' },
      {
        option: 'data.augment.mixup',
        value: 0.2,
        reason: 'mixed images keep a model from learning few by heart',
      },
      { option: 'data.augment.mixProbability', value: 0.5 },
      { option: 'data.augment.erasing', value: 0.1 },
    ],
  }[kind];
  if (pretrained === undefined) return [{ option: 'data.resize', value: 'stretch' }, ...augment];
  const { resize, cropFraction, cropRounding, interpolation, mean, deviation } = pretrained.pixels;
  return [
    {
      option: 'data.resize',
      value: resize,
      reason: 'as the weights were trained, and what follows',
    },
    { option: 'data.cropFraction', value: cropFraction },
    ...(cropRounding === undefined ? [] : [{ option: 'data.cropRounding', value: cropRounding }]),
    { option: 'data.interpolation', value: interpolation },
    { option: 'data.mean', value: [...mean] },
    { option: 'data.deviation', value: [...deviation] },
    ...augment,
  ];
}

function modelChoices(
  kind: TrainingKind,
  pretrained: Pretrained | undefined,
  images: number,
): Choice[] {
  if (pretrained === undefined) {
    const reason =
      'a small model: there are no pretrained weights here, and it learns from these images alone';
    return [
      { option: 'model.imageSize', value: 64, reason },
      ...Object.entries({ patchSize: 8, width: 128, depth: 6, heads: 4, positionDeviation: 1 }).map(
        ([key, value]) => ({ option: `model.${key}`, value }),
      ),
      { option: 'model.stochasticDepth', value: 0.1 },
    ];
  }
  const { variant, imageSize, normEpsilon, weights } = pretrained;
  const shape = [
    { option: 'model.variant', value: variant },
    { option: 'model.imageSize', value: imageSize },
    ...(normEpsilon === undefined ? [] : [{ option: 'model.normEpsilon', value: normEpsilon }]),
    {
      option: 'model.init.weights',
      value: weights,
      reason: 'it has seen millions of images; only the head is new',
    },
  ];
  if (kind === 'head') {
    const reason = `${formatCount(images)} images are few: the pretrained weights stay, and what they see in each image is computed once`;
    return [...shape, { option: 'model.freeze', value: 'backbone', reason }];
  }
  return [...shape, { option: 'model.stochasticDepth', value: 0.05 }];
}

function epochsReason(kind: TrainingKind, train: number): string {
  const what = {
    head: 'a new head learns within these',
    finetune: 'pretrained weights need few',
    scratch: 'a new model needs many',
  }[kind];
  return `passes over ${formatCount(train)} images: ${what}`;
}

function optimizerChoices(
  kind: TrainingKind,
  optimizer: { readonly name: 'adamw'; readonly layerDecay: number },
  steps: number,
): Choice[] {
  const rate = { option: 'training.optimizer.learningRate', value: fittingRate(kind, optimizer) };
  const smoothing = { option: 'training.labelSmoothing', value: 0.1 };
  if (kind === 'head')
    return [rate, { option: 'training.schedule.name', value: 'constant' }, smoothing];
  const layers =
    kind === 'finetune'
      ? [
          {
            option: 'training.optimizer.layerDecay',
            value: optimizer.layerDecay,
            reason: 'the lower layers, which see edges and colours, change less',
          },
        ]
      : [];
  return [
    rate,
    { option: 'training.optimizer.weightDecay', value: 0.05 },
    ...layers,
    { option: 'training.schedule.warmupSteps', value: Math.max(1, Math.round(0.07 * steps)) },
    { option: 'training.clipNorm', value: 1 },
    smoothing,
    {
      option: 'training.averageDecay',
      value: kind === 'finetune' ? 0.98 : 0.995,
      reason: 'the average of the last steps is tested and kept',
    },
  ];
}

function unevenChoices({ counts }: FolderFacts): Choice[] {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most < UNEVEN * least) return [];
  const reason = `the largest class has ${formatCount(most)} images, the smallest ${formatCount(least)}: each class counts alike`;
  return [{ option: 'training.classWeights', value: 'balanced', reason }];
}

function evaluationChoices(share: number | 'auto' | 'none', facts: FolderFacts): Choice[] {
  if (share !== 'none') return [];
  const reason = `the ${facts.hasTest ? 'test images' : 'images held back'} are looked at once, at the end`;
  return [{ option: 'evaluation.everyEpochs', value: 0, reason }];
}
