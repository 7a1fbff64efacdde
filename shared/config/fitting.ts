/** @file What a config leaves to Tessera, as numbers: by its model and its data. Pure. */
import { mixesImages } from '../data/options.ts';
import { balancedWeights } from '../training/class-weights.ts';
import {
  fittingBatch,
  fittingEpochs,
  fittingLeaf,
  fittingRate,
  type TrainingKind,
} from '../training/fitting.ts';
import type { PlannedConfig, RunConfig } from './schema.ts';

/** The training images that a config is completed for. */
export interface TrainingImages {
  readonly samples: number;
  /** Images of each class, where they are known: without them classes stay as they are. */
  readonly counts?: readonly number[];
}

/** What a config trains. */
function trainingKind({ model }: Pick<PlannedConfig, 'model'>): TrainingKind {
  if (model.freeze === 'backbone') return 'head';
  return model.init === undefined ? 'scratch' : 'finetune';
}

/** Dotted paths of what a config leaves open. */
export function openOptions({ training }: PlannedConfig): readonly string[] {
  const { epochs, batchSize, microBatch, optimizer, classWeights } = training;
  const values = {
    ...{ epochs, batchSize, microBatch },
    ...{ 'optimizer.learningRate': optimizer.learningRate, classWeights },
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === 'auto' || value === 'balanced' ? [`training.${name}`] : [],
  );
}

/** Fills in what a config leaves open. The same on every machine. */
export function fittingConfig(
  planned: PlannedConfig,
  { samples, counts }: TrainingImages,
): RunConfig {
  const kind = trainingKind(planned);
  const { training } = planned;
  const { epochs, batchSize, microBatch, optimizer, classWeights } = training;
  const { learningRate } = optimizer;
  const leafMin = microBatch === 'auto' ? 1 : microBatch;
  const batch = numberOf(batchSize, () => Math.max(leafMin, fittingBatch(kind, samples)));
  const numbers = {
    epochs: numberOf(epochs, () => fittingEpochs(kind, samples)),
    batchSize: batch,
    // Mixing needs a partner.
    microBatch: numberOf(microBatch, () => fittingLeaf(batch, mixesImages(planned) ? 2 : 1)),
    classWeights: weightsOf(classWeights, counts),
  };
  const rate = numberOf(learningRate, () => fittingRate(kind, optimizer));
  return {
    ...planned,
    training: { ...training, ...numbers, optimizer: { ...optimizer, learningRate: rate } },
  };
}

function numberOf(given: number | 'auto', fitting: () => number): number {
  return given === 'auto' ? fitting() : given;
}

function weightsOf(
  given: PlannedConfig['training']['classWeights'],
  counts: TrainingImages['counts'],
): RunConfig['training']['classWeights'] {
  if (given !== 'balanced') return given;
  return counts === undefined ? 'none' : balancedWeights(counts);
}
