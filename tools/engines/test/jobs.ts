/** @file What an engine is tested with: two models, their leaves and parameters, all from counters. Pure. */

import type { EngineChoice } from '../../../shared/compute/engines/registry.ts';
import type { DeviceReport, LeafInputs, ProgramSpec } from '../../../shared/compute/program.ts';
import { randomInteger, randomNormal } from '../../../shared/core/random.ts';
import { parameterTable } from '../../../shared/model/parameters.ts';
import type { Precision } from '../../../shared/model/precision.ts';

const SEED = 15;

/** Small enough for the oracle in JavaScript, with more than one head, block and kind of product. */
const SMALL: ProgramSpec = {
  model: {
    imageSize: 32,
    channels: 3,
    patchSize: 8,
    width: 48,
    depth: 2,
    heads: 3,
    mlpWidth: 96,
    numClasses: 10,
  },
  microBatch: 4,
  labelSmoothing: 0.1,
};

/** ViT-Ti/16 on images of 224 pixels. */
const TINY: Omit<ProgramSpec, 'microBatch'> = {
  model: {
    imageSize: 224,
    channels: 3,
    patchSize: 16,
    width: 192,
    depth: 12,
    heads: 3,
    mlpWidth: 768,
    numClasses: 1000,
  },
  labelSmoothing: 0,
};

/** What one process of a test computes. */
export type TestJob =
  | { readonly kind: 'numbers'; readonly choice: EngineChoice; readonly precision: Precision }
  | {
      readonly kind: 'speed';
      readonly choice: EngineChoice;
      readonly precision: Precision;
      readonly microBatch: number;
      readonly leaves: number;
    };

/** Leaves of the node whose bits are compared. */
export const NODE_LEAVES = 8;

/** What a process found, by the kind of its job. */
export interface Numbers {
  readonly description: string;
  readonly devices: DeviceReport | undefined;
  readonly slots: number;
  readonly lossSum: number;
  /** Of leaf 0, float32 in base64. */
  readonly gradient: string;
  /** Of the sum over a node of all leaves. */
  readonly nodeSha256: string;
}
export interface Speed {
  readonly devices: DeviceReport | undefined;
  readonly compileMs: number;
  /** Of each leaf, forward and backward. */
  readonly leafMs: readonly number[];
  readonly images: number;
  /** Of the process, its highest. */
  readonly hostBytes: number;
}

/** The program of a job. */
export function specOf(job: TestJob): ProgramSpec {
  const { precision } = job;
  return job.kind === 'numbers'
    ? { ...SMALL, precision }
    : { ...TINY, microBatch: job.microBatch, precision };
}

/** A leaf of random images; in leaf 0 the last sample is padding. */
export function testLeaf({ model, microBatch }: ProgramSpec, index: number): LeafInputs {
  const { channels, imageSize, numClasses } = model;
  const size = microBatch * channels * imageSize ** 2;
  const last = index === 0 ? microBatch - 1 : microBatch;
  return {
    images: Float32Array.from({ length: size }, (_, i) => randomNormal(SEED, 'augment', index, i)),
    labels: Int32Array.from({ length: microBatch }, (_, i) =>
      randomInteger(numClasses, SEED, 'augment', index, size + i),
    ),
    weights: Float32Array.from({ length: microBatch }, (_, i) => (i < last ? 1 : 0)),
  };
}

/** Parameters far from their initial values, so that every path of the gradient matters. */
export function testParameters({ model }: ProgramSpec): Float32Array {
  const { size, entries } = parameterTable(model);
  const values = new Float32Array(size);
  for (const entry of entries) {
    const fanIn = entry.shape.length > 1 ? entry.size / (entry.shape.at(0) as number) : 1;
    const scale = fanIn > 1 ? 1 / Math.sqrt(fanIn) : 0.3;
    for (let i = 0; i < entry.size; i += 1) {
      values[entry.offset + i] = scale * randomNormal(SEED, 'init', entry.offset + i);
    }
  }
  return values;
}

/** The model of the parity test, for its table of parameters. */
export const SMALL_MODEL = SMALL.model;
