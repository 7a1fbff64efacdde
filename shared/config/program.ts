/** @file The step of a config: the program that all workers of a run compile, and the features that are cached. */
import { hasFrozenBackbone, type ProgramSpec } from '../compute/program.ts';
import { mixesImages } from '../data/options.ts';
import type { Split } from '../data/source.ts';
import { frozenSize } from '../model/parameters.ts';
import type { ModelConfig } from '../model/variants.ts';
import type { RunConfig } from './schema.ts';

/** The training step of a run. */
export function programSpec(config: RunConfig, model: ModelConfig): ProgramSpec {
  const { microBatch, labelSmoothing, precision, recompute } = config.training;
  const { freeze, dropout, stochasticDepth } = config.model;
  return {
    model,
    microBatch,
    labelSmoothing,
    frozen: frozenSize(model, freeze),
    dropout,
    stochasticDepth,
    mixes: mixesImages(config),
    ...(config.training.classWeights !== 'none' && { weighsClasses: true }),
    precision,
    recompute,
    gradients: config.exchange.gradients,
    ...transferOf(config.data),
  };
}

/** How pixels come to the device; left out where it is as normalised float32. */
function transferOf({ transfer: type, mean, deviation }: RunConfig['data']) {
  if (type === 'float32') return {};
  return { transfer: type === 'uint8' ? { type, mean, deviation } : { type } };
}

/** Whether the features of a split's images are the same in every epoch, so that they are computed once. */
export function keepsFeatures(config: RunConfig, spec: ProgramSpec, split: Split): boolean {
  if (config.training.cacheFeatures === 'off' || !hasFrozenBackbone(spec)) return false;
  return split !== 'train' || !augments(config);
}

/** Whether a training image differs from epoch to epoch. */
function augments(config: RunConfig): boolean {
  const { shift, flip, cropScale, policy, erasing } = config.data.augment;
  const crops = cropScale[0] < 1 || cropScale[1] < 1;
  return shift > 0 || flip || crops || policy !== 'none' || erasing > 0 || mixesImages(config);
}
