/** @file The single choices of a recipe, each with its reason. Pure. */
import { formatCount } from '../../shared/core/units.ts';
import { fittingRate, type TrainingKind } from '../../shared/training/fitting.ts';
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

/** The largest class over the smallest one, from which the smaller ones count more. */
const UNEVEN = 2;

/** A head's epochs take a second each, once features are there. */
export const SELDOM_SAVED: Choice = {
  option: 'checkpoint.everyEpochs',
  value: 10,
  reason: 'an epoch of a head takes a second; the best one is saved in any case',
};

export function testChoice({ hasTest }: FolderFacts, share: number): Choice[] {
  if (hasTest) return [];
  const reason = 'share of the images that is never trained on: the end is tested with it';
  return [{ option: 'data.testFraction', value: share, reason }];
}

export function validationChoice(
  share: number | 'auto' | 'none',
  { hasTest }: FolderFacts,
): Choice[] {
  if (share === 'auto') return [];
  const reason =
    share === 'none'
      ? 'so few images are better trained on; the last epoch is kept, and tested once'
      : `share of the ${hasTest ? 'training ' : 'other '}images that chooses the best epoch`;
  return [{ option: 'data.validation', value: share, reason }];
}

export function pixelChoices(kind: TrainingKind, pretrained: Pretrained | undefined): Choice[] {
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

export function modelChoices(
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

export function epochsReason(kind: TrainingKind, train: number): string {
  const what = {
    head: 'a new head learns within these',
    finetune: 'pretrained weights need few',
    scratch: 'a new model needs many',
  }[kind];
  return `passes over ${formatCount(train)} images: ${what}`;
}

export function optimizerChoices(
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
    {
      option: 'training.schedule.warmupSteps',
      value: Math.min(steps - 1, Math.max(1, Math.round(0.07 * steps))),
    },
    { option: 'training.clipNorm', value: 1 },
    smoothing,
    {
      option: 'training.averageDecay',
      value: kind === 'finetune' ? 0.98 : 0.995,
      reason: 'the average of the last steps is tested and kept',
    },
  ];
}

export function unevenChoices({ counts }: FolderFacts): Choice[] {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most < UNEVEN * least) return [];
  const reason = `the largest class has ${formatCount(most)} images, the smallest ${formatCount(least)}: each class counts alike`;
  return [{ option: 'training.classWeights', value: 'balanced', reason }];
}

export function evaluationChoices(share: number | 'auto' | 'none', facts: FolderFacts): Choice[] {
  if (share !== 'none') return [];
  const reason = `the ${facts.hasTest ? 'test images' : 'images held back'} are looked at once, at the end`;
  return [{ option: 'evaluation.everyEpochs', value: 0, reason }];
}
