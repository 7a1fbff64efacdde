/** @file The parts of a coordinator put together, for a new run or from a checkpoint. */
import { dirname } from 'node:path';
import { keepsFeatures, programSpec } from '../../shared/config/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { DIVERGED_HINT } from '../../shared/core/divergence.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { Disk } from '../../shared/files/disk.ts';
import { makeNamesDurable } from '../../shared/files/files.ts';
import type { FileRoom } from '../../shared/files/regular-file.ts';
import type { VectorMemory } from '../../shared/kernels/vectors.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { frozenSize, parameterTable } from '../../shared/model/parameters.ts';
import { Checkpointer } from '../../shared/runs/checkpoint/checkpointer.ts';
import {
  newestGoodCheckpoint,
  type SkippedCheckpoint,
} from '../../shared/runs/checkpoint/choose.ts';
import { checkpointsFolder } from '../../shared/runs/checkpoint/layout.ts';
import type { LoadedCheckpoint } from '../../shared/runs/checkpoint/read.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import type { HeldLock } from '../../shared/runs/lock/lock.ts';
import { hasSaved } from '../../shared/runs/metrics-file.ts';
import type { RunPlan } from '../core/messages.ts';
import { Run } from '../core/run.ts';
import type { Reducers } from '../reducers/reducers.ts';
import { ParameterStore } from '../step/parameters.ts';
import { RunProgress } from '../step/progress.ts';

/**
 * The newest good checkpoint of a run to resume; a run that was killed before its first one starts again.
 *
 * Throws  CHECKPOINT_CORRUPT when there are or were checkpoints but none is whole: days of training are
 *         not silently started again.
 */
export async function findCheckpoint(
  identity: RunIdentity,
  log: Logger,
  { disk, memory }: { readonly disk?: Disk; readonly memory?: VectorMemory } = {},
): Promise<LoadedCheckpoint | undefined> {
  const expected = {
    table: parameterTable(identity.model),
    frozen: frozenSize(identity.model, identity.config.model.freeze),
    identityJson: identity.identityJson,
    ...(memory && { beginTry: roomIn(memory) }),
  };
  const { checkpoint, skipped } = await newestGoodCheckpoint(identity.runFolder, expected, disk);
  for (const { folder, reason, code } of skipped) {
    const kind = code === 'NON_FINITE' ? 'diverged checkpoint' : 'damaged checkpoint';
    log.warn({ folder, reason }, `${kind} skipped`);
  }
  if (checkpoint === undefined) await refuseLoss(identity.runFolder, skipped, disk);
  // Its name may not be flushed yet; the checkpoint that the run resumes from, or ends with, must be durable.
  if (checkpoint !== undefined) await makeNamesDurable(dirname(checkpoint.folder), disk);
  log.info({ step: checkpoint?.step ?? 0, folder: checkpoint?.folder }, 'resuming');
  return checkpoint;
}

/** Room for the tensors of a checkpoint where the reducers work on them, so that they are not copied there. */
function roomIn(memory: VectorMemory): () => FileRoom {
  const given: Float32Array[] = [];
  return () => {
    for (const vector of given.splice(0)) memory.release(vector);
    return (numBytes) => {
      const vector = memory.float32(Math.ceil(numBytes / Float32Array.BYTES_PER_ELEMENT));
      given.push(vector);
      return new Uint8Array(vector.buffer, vector.byteOffset, numBytes);
    };
  };
}

async function refuseLoss(
  runFolder: string,
  [newest, ...older]: readonly SkippedCheckpoint[],
  disk?: Disk,
): Promise<void> {
  const hint = 'bring one back from a copy, or start a new run without --resume';
  if (newest !== undefined) {
    const { folder, reason, code } = newest;
    throw new TesseraError(
      code,
      `none of the ${1 + older.length} checkpoints can be resumed from; the newest, ${folder}: ${reason}`,
      { hint: code === 'NON_FINITE' ? `start a new run: ${DIVERGED_HINT}` : hint },
    );
  }
  if (!(await hasSaved(runFolder, disk))) return;
  throw new TesseraError(
    'CHECKPOINT_CORRUPT',
    `${checkpointsFolder(runFolder)} holds no checkpoint, but ${RUN_FILES.metrics} says that this run has written some`,
    { hint },
  );
}

/** What a run is put together from. */
export interface RunSeed {
  readonly identity: RunIdentity;
  readonly source: DataSource;
  /** Of the version that it begins with. */
  readonly parameters: Float32Array;
  readonly resumed: LoadedCheckpoint | undefined;
  readonly clock: Clock;
  readonly disk?: Disk;
  readonly reducers?: Reducers;
  /** Of the run's folder. */
  readonly lock?: Pick<HeldLock, 'confirm'>;
}

/** The parts of a coordinator's driver, at the version that the run starts or resumes with. */
export function assemble(seed: RunSeed) {
  const { identity, source, parameters, resumed, clock, disk, lock, reducers } = seed;
  const { config, model, runFolder } = identity;
  const version = resumed?.step ?? 0;
  const progress = new RunProgress(
    clock.nowMs(),
    resumed?.progress,
    warmUpSteps(identity, source, version),
    source.size.validation > 0 ? 'validation' : 'test',
    config.training.schedule.name === 'plateau' ? config.training.schedule.patience : undefined,
  );
  const store = new ParameterStore({
    table: parameterTable(model),
    config: config.training.optimizer,
    frozen: frozenSize(model, config.model.freeze),
    averageDecay: config.training.averageDecay,
    parameters,
    ...(resumed === undefined ? {} : { state: resumed.state, average: resumed.average }),
    version,
    reducers,
  });
  const checkpointer = new Checkpointer({
    runFolder,
    identityJson: identity.identityJson,
    metadata: { model, classes: source.classes, config },
    keep: config.checkpoint.keep,
    progress,
    clock,
    ...(disk && { disk }),
    ...(lock && { lock }),
    lastSaved: resumed,
  });
  const run = new Run(planOf(config, source), {
    version,
    known: progress.knownOf(version),
    best: progress.best,
  });
  return { identity, run, store, source, checkpointer, progress, clock, disk, lock };
}

/** Steps from `version` on until this process has the features of every training image, where they are kept. */
function warmUpSteps({ config, model }: RunIdentity, source: DataSource, version: number): number {
  if (!keepsFeatures(config, programSpec(config, model), 'train')) return 0;
  const stepsPerEpoch = Math.ceil(source.size.train / config.training.batchSize);
  const done = version % stepsPerEpoch;
  // What an epoch had done before a resume, the next epoch computes.
  return done === 0 ? stepsPerEpoch : 2 * stepsPerEpoch - done;
}

function planOf(config: RunConfig, source: DataSource): RunPlan {
  const { training, evaluation, checkpoint, cluster } = config;
  return {
    epochs: training.epochs,
    trainSamples: source.size.train,
    validationSamples: source.size.validation,
    testSamples: source.size.test,
    batchSize: training.batchSize,
    microBatch: training.microBatch,
    evaluateEveryEpochs: evaluation.everyEpochs,
    earlyStopping: training.earlyStopping,
    checkpointEverySteps: checkpoint.everySteps,
    checkpointEveryEpochs: checkpoint.everyEpochs,
    minWorkers: cluster.minWorkers,
    silenceMs: cluster.silenceMs,
    leaseMs: cluster.leaseMs,
    remindMs: 2 * cluster.heartbeatMs,
  };
}
