/** @file The estimate of a run from its config and what was measured or is assumed. Pure. */
import { fittingConfig } from '../../shared/config/fitting.ts';
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { frozenSize, parameterTable } from '../../shared/model/parameters.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { bestChoice, type Choice } from './best.ts';
import type { MemoryCost } from './fit.ts';
import { coordinatorBytes, hostBytes, sharedBytes } from './memory.ts';
import {
  along,
  type Cluster,
  estimateStep,
  type LeafCost,
  type Line,
  type StepCost,
  type StepEstimate,
} from './step.ts';

/** What is known of a leaf. Units  bytes. */
export interface LeafFacts {
  readonly source: 'measured' | 'assumed';
  /** Engine and threads, or the device and what is assumed of it. */
  readonly device: string;
  /** Devices of a worker. */
  readonly devices: number;
  readonly cost: LeafCost;
  /** Where workers share the cores that compute: a leaf's time with so many workers, over that of `cost`. */
  readonly crowding: Line | undefined;
  /** The micro-batch that the bytes are of. */
  readonly measuredAt: number;
  /** Of a worker's process; undefined where it only moves vectors. */
  readonly hostBytes: number | undefined;
  /** Of each device; undefined where it has no memory of its own. */
  readonly deviceBytes: number | undefined;
  /** What an image of a leaf adds: to the device's where there is one, else to the host's. */
  readonly imageBytes: number;
  readonly deviceLimit: number | undefined;
  /** Workers that have a core or a device, where they are on this machine. */
  readonly workersMax: number | undefined;
}

/** What an estimate is made from. */
export interface EstimateInputs {
  readonly model: ModelConfig;
  readonly config: PlannedConfig;
  /** Training images of an epoch. */
  readonly samples: number;
  readonly leaf: LeafFacts;
  readonly step: StepCost;
  readonly memory: MemoryCost;
  readonly cluster: Cluster;
  /** Of the time of this machine's cores, what other programs took while it was measured. */
  readonly others: number;
}

/** An estimate. Units  seconds and bytes. */
export interface RunEstimate {
  readonly parameters: number;
  readonly trainable: number;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly cluster: Cluster;
  /** Workers that a batch has leaves for. */
  readonly busyWorkers: number;
  readonly step: StepEstimate;
  readonly imagesPerSecond: number;
  readonly epochsPerHour: number;
  readonly memory: {
    readonly coordinator: number;
    readonly workerHost: number;
    readonly workerDevice: number | undefined;
    /** Between coordinator and workers of one machine, in neither's. */
    readonly shared: number;
  };
  readonly best: Choice;
  readonly others: number;
  /** Each constant, and whether it was measured here or is assumed. */
  readonly constants: {
    readonly leaf: Pick<LeafFacts, 'source' | 'device' | 'cost'>;
    readonly step: StepCost & { readonly source: 'measured' };
    readonly memory: MemoryCost & { readonly source: 'measured' };
  };
}

const VALUE_BYTES = { f32: 4, bf16: 2 } as const;
/** More workers than this are not looked at. */
const WORKERS_MAX = 64;

/** Estimates the step, the memory and the best setting of a run. */
export function estimateRun(inputs: EstimateInputs): RunEstimate {
  const { model, config, samples, leaf, step, memory, cluster, others } = inputs;
  const parameters = parameterTable(model).size;
  const trainable = parameters - frozenSize(model, config.model.freeze);
  const { microBatch: asked } = config.training;
  const { batchSize, optimizer, averageDecay } = fittingConfig(config, { samples }).training;
  const sizes = sizesOf({ batchSize, microBatch: asked }, leaf);
  const gradientBytes = VALUE_BYTES[config.exchange.gradients];
  const sharedWith = (workers: number) =>
    cluster.isOneMachine && config.cluster.sharedMemory === 'auto'
      ? sharedBytes({ parameters, trainable, workers }, gradientBytes)
      : 0;
  // Through memory all workers read the coordinator's own.
  const parameterBytes =
    sharedWith(1) > 0 ? VALUE_BYTES.f32 : VALUE_BYTES[config.exchange.parameters];
  const stepOf = (workers: number, microBatch: number) =>
    estimateStep(
      { parameters, trainable, batchSize, microBatch, parameterBytes, gradientBytes },
      { ...cluster, workers },
      { leaf: leafWith(leaf, workers), step },
    );
  const microBatch = asked === 'auto' ? (sizes.at(-1) ?? 1) : asked;
  const found = stepOf(cluster.workers, microBatch);
  const moments = optimizer.name !== 'sgd' ? 2 : optimizer.momentum === 0 ? 0 : 1;
  const more = (microBatch - leaf.measuredAt) * leaf.imageBytes;
  const perSecond = batchSize / found.total;
  const busyWorkers = Math.min(cluster.workers, Math.ceil(batchSize / microBatch));
  return {
    ...{ parameters, trainable, batchSize, microBatch, cluster, busyWorkers, step: found },
    imagesPerSecond: perSecond,
    epochsPerHour: (3600 * perSecond) / samples,
    memory: {
      coordinator: coordinatorBytes(
        {
          ...{ parameters, trainable, moments, hasAverage: averageDecay > 0 },
          workers: busyWorkers,
        },
        memory,
      ),
      workerHost: leaf.hostBytes ?? hostBytes(parameters, memory),
      workerDevice: leaf.deviceBytes === undefined ? undefined : leaf.deviceBytes + more,
      shared: sharedWith(busyWorkers),
    },
    best: bestChoice(
      sizes,
      leaf.workersMax ?? WORKERS_MAX,
      (workers, size) => stepOf(workers, size).total,
    ),
    others,
    constants: {
      leaf: { source: leaf.source, device: leaf.device, cost: leaf.cost },
      step: { source: 'measured', ...step },
      memory: { source: 'measured', ...memory },
    },
  };
}

/** What a leaf takes with so many workers. */
function leafWith({ cost: { fixed, image }, crowding }: LeafFacts, workers: number): LeafCost {
  const times = crowding === undefined ? 1 : along(crowding, workers);
  return { fixed: fixed * times, image: image * times };
}

/** Micro-batches that divide the batch and fit: up to four times what was measured, the smallest first. */
function sizesOf(
  { batchSize, microBatch }: { readonly batchSize: number; readonly microBatch: number | 'auto' },
  leaf: LeafFacts,
): number[] {
  const { deviceLimit, deviceBytes = 0, imageBytes, measuredAt } = leaf;
  const most = measuredAt > 0 ? 4 * measuredAt : batchSize;
  const all = Array.from({ length: Math.min(most, batchSize) }, (_, index) => index + 1);
  const dividing = all.filter((size) => batchSize % size === 0);
  const fitting = dividing.filter(
    (size) =>
      deviceLimit === undefined || deviceBytes + (size - measuredAt) * imageBytes <= deviceLimit,
  );
  if (fitting.length > 0) return fitting;
  return [microBatch === 'auto' ? 1 : microBatch];
}
