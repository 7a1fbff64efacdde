/** @file How to train on a folder of images: a config, and the reason of each choice. Pure. */
import type { RunConfigInput } from '../../shared/config/schema.ts';
import { withSettings } from '../../shared/config/settings.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatCount } from '../../shared/core/units.ts';
import {
  fittingBatch,
  fittingEpochs,
  fittingLeaf,
  type TrainingKind,
} from '../../shared/training/fitting.ts';
import {
  type Choice,
  epochsReason,
  evaluationChoices,
  modelChoices,
  optimizerChoices,
  pixelChoices,
  SELDOM_SAVED,
  testChoice,
  unevenChoices,
  validationChoice,
} from './choices.ts';
import type { FolderFacts } from './look.ts';
import type { Pretrained } from './pretrained.ts';

/** What is known before a recipe is made. */
export interface RecipeInputs {
  readonly facts: FolderFacts;
  readonly pretrained: Pretrained | undefined;
  /** What is trained of pretrained weights, where that was decided already. */
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
}

/** With fewer images, pretrained features and a new head learn more than all weights do. */
const FINETUNE_IMAGES = 1000;
/** With fewer images, each that chooses an epoch is missed where it would train. */
const VALIDATION_IMAGES = 500;

/** Makes a recipe. Throws  DATA_INVALID when the folder has too few images to hold some back for testing. */
export function recipeFor(inputs: RecipeInputs): Recipe {
  const { facts, pretrained, kind: wanted } = inputs;
  const all = facts.counts.reduce((sum, count) => sum + count, 0);
  const testShare = facts.hasTest ? 0 : shareFor(all);
  const test = facts.hasTest ? facts.testImages : drawn(facts, testShare);
  const rest = facts.hasTest ? all : all - test;
  const kind = pretrained === undefined ? 'scratch' : (wanted ?? kindFor(rest));
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
    ...(kind === 'head' ? [SELDOM_SAVED] : []),
  ];
  return { kind, choices, images: { train, validation, test }, epochs };
}

/** The config of a recipe. */
export function configOf({ choices }: Recipe): RunConfigInput {
  const settings = choices.map(({ option, value }) => ({ path: option.split('.'), value }));
  return withSettings({}, settings) as unknown as RunConfigInput;
}

/** A name that a run may have. */
export function runName(folder: string): string {
  const name = folder.replace(/[^a-zA-Z0-9._-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  return name.slice(0, 64) || 'photos';
}

function kindFor(images: number): TrainingKind {
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
  const share = images < 5000 ? 0.1 : 0.05;
  return Math.round(share * images) === 0 ? 'none' : share;
}
