/** @file The parts of a run for a program's own training loop: config, data in run order, first parameters, optimizer. */
import { requireInputs } from '../../shared/config/absent-inputs.ts';
import { fittingConfig } from '../../shared/config/fitting.ts';
import { loadConfig, loadObject } from '../../shared/config/load.ts';
import { checkAgainstData, resolveModel } from '../../shared/config/rules.ts';
import type { RunConfig, RunConfigInput } from '../../shared/config/schema.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { numBatches } from '../../shared/data/sampler.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { classCounts, type DataSource } from '../../shared/data/source.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { namedTensors, type ParameterTensors } from '../../shared/model/tensors.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { firstParameters } from '../../shared/runs/checkpoint/first-parameters.ts';
import { type Batch, batchOf } from './batch.ts';
import { Optimizer } from './optimizer.ts';
import { type TrainingLeaf, trainingLeaves } from './training-leaves.ts';

/** How a config is opened. */
export interface TrainingOptions {
  /** `key=value` settings over those of the config. */
  readonly set?: readonly string[] | undefined;
  /** The data set, in place of the config's. */
  readonly dataSource?: DataSource | undefined;
}

/**
 * Opens a config as `train` does, and trains nothing.
 *
 * Throws  TesseraError: CONFIG_INVALID, DATA_INVALID.
 */
export async function openTraining(
  config: string | RunConfigInput,
  { set = [], dataSource }: TrainingOptions = {},
): Promise<Training> {
  const settings = [...(dataSource === undefined ? [] : ['data.source=program']), ...set];
  const loaded =
    typeof config === 'string'
      ? await loadConfig(config, { set: settings })
      : loadObject(config, { set: settings });
  requireInputs(loaded.inputs);
  const { baseFolder } = loaded;
  const { data, seed } = loaded.config;
  const source = dataSource ?? (await openDataSource(data, { seed, baseFolder }));
  const images = { samples: source.size.train, counts: classCounts(source) };
  const fitting = fittingConfig(loaded.config, images);
  checkAgainstData(fitting, source);
  return new Training(fitting, source, baseFolder);
}

/** What a run of a config would train with: the same samples in the same order, first parameters and optimizer steps. */
export class Training {
  readonly config: RunConfig;
  readonly model: ModelConfig;
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[];
  /** Steps of all epochs. */
  readonly steps: number;
  readonly #source: DataSource;
  readonly #baseFolder: string;
  readonly #batchesPerEpoch: number;

  /** @internal */
  constructor(config: RunConfig, source: DataSource, baseFolder: string) {
    this.config = config;
    this.classes = source.classes;
    this.model = resolveModel(config, source.classes.length);
    this.#batchesPerEpoch = numBatches(source.size.train, config.training.batchSize);
    this.steps = config.training.epochs * this.#batchesPerEpoch;
    this.#source = source;
    this.#baseFolder = baseFolder;
  }

  /**
   * The parameters that a run begins with: from the seed, or from the weights of `model.init`.
   *
   * Throws  TesseraError: DATA_INVALID, CHECKPOINT_MISMATCH, NON_FINITE, of weights.
   */
  async parameters(): Promise<ParameterTensors> {
    const { config, model, classes } = this;
    const from = { classes, baseFolder: this.#baseFolder };
    const { parameters } = await firstParameters(config, model, from);
    return namedTensors(parameters, parameterTable(model));
  }

  /**
   * The batches of the first steps, with the samples that the workers of a run get, in the same order.
   *
   * Throws  TesseraError: DATA_INVALID for an image that cannot be read where `data.onBadImage` is `fail`.
   */
  async *batches(steps = this.steps): AsyncGenerator<Batch> {
    const { config, model } = this;
    const { data, seed } = config;
    const pipeline = createImagePipeline(data, { imageSize: model.imageSize, seed });
    const isBad = ({ code }: TesseraError) => code === 'DATA_INVALID' && data.onBadImage === 'skip';
    const sources = { config, source: this.#source, pipeline, isBad };
    for (let done = 0; done < steps; done += 1) {
      const epoch = Math.floor(done / this.#batchesPerEpoch);
      const leaves: TrainingLeaf[] = [];
      const place = { epoch, batch: done % this.#batchesPerEpoch };
      for await (const leaf of trainingLeaves(sources, place)) leaves.push(leaf);
      const { batch, dispose } = batchOf(leaves, this, { step: done + 1, epoch: epoch + 1 });
      try {
        yield batch;
      } finally {
        dispose();
      }
    }
  }

  /** A new optimizer, before its first step. Throws  USAGE for the schedule `plateau`. */
  optimizer(): Optimizer {
    return new Optimizer(this.config, this.model, this.steps);
  }
}
