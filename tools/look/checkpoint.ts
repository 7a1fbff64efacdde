/** @file What a look needs of a checkpoint: its program, and the batch that comes next. */
import { compileProgram } from '../../shared/compute/engines/registry.ts';
import type { ProgramSpec } from '../../shared/compute/program.ts';
import { programSpec } from '../../shared/config/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { createImagePipeline } from '../../shared/data/pipeline/pipeline.ts';
import { numBatches } from '../../shared/data/sampler.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import { trainingLeaves } from '../blocks/training-leaves.ts';
import type { TrainedModel } from '../inference/read/read-model.ts';

/** Images that are looked at for mistakes: those of a large split, evenly. */
export const IMAGES_MAX = 512;
const THREADS_MAX = 4;

/** The model's program on the cores: devices belong to the workers. */
export async function compiled(read: TrainedModel, source: DataSource) {
  const { batchSize, microBatch, ...training } = read.config.training;
  const samples = Math.min(microBatch, batchSize, source.size.train);
  const config: RunConfig = {
    ...read.config,
    worker: { ...read.config.worker, decoders: 0 },
    training: { ...training, batchSize, microBatch: samples, recompute: 'none', precision: 'f32' },
  };
  const { transfer: _, ...spec } = programSpec(config, read.model);
  const threads = Math.min(THREADS_MAX, availableThreads());
  const program = await compileProgram(spec, { id: 'onnxruntime-cpu', threads });
  program.setParameters(read.parameters);
  const trained: TrainedModel = { ...read, config };
  return { trained, program, spec: spec satisfies ProgramSpec };
}

/** The first leaf of the batch after a step; after the last step, of the last batch. */
export async function nextLeaf(config: RunConfig, source: DataSource, step: number) {
  const { batchSize, epochs } = config.training;
  const perEpoch = numBatches(source.size.train, batchSize);
  const done = Math.min(step, epochs * perEpoch - 1);
  const place = { epoch: Math.floor(done / perEpoch), batch: done % perEpoch };
  const { seed, data, model } = config;
  const pipeline = createImagePipeline(data, { imageSize: model.imageSize, seed });
  for await (const leaf of trainingLeaves({ config, source, pipeline }, place)) {
    return { leaf, epoch: place.epoch };
  }
  throw new Error('a batch has a leaf');
}
