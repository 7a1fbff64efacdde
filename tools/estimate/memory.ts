/** @file A model of the memory that the processes of a run take. Pure. */
import type { ModelConfig } from '../../shared/model/variants.ts';
import { numPatches } from '../../shared/model/variants.ts';
import { type MemoryCost, WORKER_VECTORS } from './fit.ts';

const FLOAT_BYTES = 4;
/** Gradients of a device: the newest, and sums that wait for their neighbours. */
const DEVICE_SUMS = 5;

/** What decides the vectors of a coordinator. */
export interface CoordinatorSize {
  readonly parameters: number;
  readonly trainable: number;
  /** Vectors of the optimizer's state. */
  readonly moments: number;
  /** Whether it keeps a moving average of the weights. */
  readonly hasAverage: boolean;
  readonly workers: number;
}

/** Bytes of the coordinator's process: two versions, the moments, the average, and gradients that are on their way. */
export function coordinatorBytes(size: CoordinatorSize, cost: MemoryCost): number {
  const { parameters, trainable, moments, hasAverage, workers } = size;
  const versions = (2 + (hasAverage ? 1 : 0)) * parameters;
  const onTheWay = cost.coordinatorVectors + cost.vectorsAWorker * workers;
  const vectors = versions + (moments + onTheWay) * trainable;
  return cost.coordinatorBase + workers * cost.aWorker + FLOAT_BYTES * vectors;
}

/** Bytes of a worker's process whose engine keeps everything on a device. */
export function hostBytes(parameters: number, cost: MemoryCost): number {
  const vectors = WORKER_VECTORS * parameters;
  return Math.max(cost.workerLeast, cost.workerBase + FLOAT_BYTES * vectors);
}

/** Vectors below this go by sockets on one machine too. */
const SHARED_BYTES_MIN = 4 * 2 ** 20;

/** Bytes of the memory through which processes of one machine exchange: parameters, and each worker's gradient. */
export function sharedBytes(
  { parameters, trainable, workers }: Pick<CoordinatorSize, 'parameters' | 'trainable' | 'workers'>,
  gradientBytes: number,
): number {
  if (FLOAT_BYTES * parameters < SHARED_BYTES_MIN) return 0;
  return FLOAT_BYTES * parameters + workers * gradientBytes * trainable;
}

/** What of a leaf is on a device. */
export interface DeviceSize {
  readonly model: ModelConfig;
  readonly parameters: number;
  readonly trainable: number;
  readonly microBatch: number;
  /** Bytes of an activation: 4, or 2 in bfloat16. */
  readonly valueBytes: 2 | 4;
  readonly recompute: 'none' | 'blocks';
}

/**
 * Bytes of a device, without what its driver takes: parameters, gradients, and what a forward pass keeps for the backward
 * pass.
 *
 * Source  Korthikanti et al., arXiv:2205.05198, section 4: a layer keeps s b h (34 + 5 a s / h) bytes in 16 bits.
 */
export function deviceBytes(size: DeviceSize): number {
  const { model, parameters, trainable, microBatch, valueBytes, recompute } = size;
  const { width, heads, depth } = model;
  const tokens = numPatches(model) + 1;
  const block = tokens * width * (34 + (5 * heads * tokens) / width) * (valueBytes / 2);
  const kept = tokens * width * valueBytes;
  const image = recompute === 'blocks' ? depth * kept + block : depth * block;
  return FLOAT_BYTES * (parameters + DEVICE_SUMS * trainable) + microBatch * image;
}
