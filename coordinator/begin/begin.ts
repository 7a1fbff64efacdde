/** @file The start of a new or resumed run: its identity, its parameters, its checkpoint. */
import { samplesFingerprint } from '../../shared/config/fingerprint.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { type DataIdentity, identifyData } from '../../shared/data/identity/identity.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { sha256OfText } from '../../shared/files/digest.ts';
import type { VectorMemory } from '../../shared/kernels/vectors.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { firstParameters } from '../../shared/runs/checkpoint/first-parameters.ts';
import type { LoadedCheckpoint } from '../../shared/runs/checkpoint/read.ts';
import { identify, type RunIdentity } from '../../shared/runs/identity.ts';
import {
  type Beginning,
  beginningOf,
  encodeBeginning,
  readBeginning,
  refuseOtherData,
} from '../../shared/runs/identity-file.ts';
import { findCheckpoint } from './build.ts';

/** What is known of a run before it is put together. */
export interface RunStart {
  readonly config: RunConfig;
  readonly source: DataSource;
  readonly runFolder: string;
  /** Whether it is resumed. */
  readonly isResumed: boolean;
  /** Folder that the paths of the config are relative to. */
  readonly baseFolder: string;
  readonly log: Logger;
  /** Where the run's vectors are to be. */
  readonly memory?: VectorMemory;
}

/** A run that can be put together. */
export interface BegunRun {
  readonly identity: RunIdentity;
  readonly parameters: Float32Array;
  /** What was done to the weights that the parameters come from. */
  readonly notes: readonly string[];
  readonly resumed: LoadedCheckpoint | undefined;
  /** Text of its identity.json. */
  readonly beginning: string;
}

/**
 * Finds the checkpoint of a resumed run, or makes the first parameters of a new one.
 *
 * Throws  CHECKPOINT_MISMATCH when the config or the data set is not the run's; CHECKPOINT_CORRUPT; what `firstParameters` throws.
 */
export async function beginRun(start: RunStart): Promise<BegunRun> {
  const { config, source, runFolder, isResumed, baseFolder } = start;
  const data = await identifyData(source, config.seed);
  const identity = identify(config, source, { runFolder, data });
  const begun = isResumed ? await readBeginning(runFolder) : undefined;
  const resumed = isResumed ? await resume(start, { identity, data, begun }) : undefined;
  const { parameters, notes } = resumed
    ? { parameters: resumed.parameters, notes: [] }
    : await firstParameters(config, identity.model, { classes: source.classes, baseFolder });
  // A run without a checkpoint starts again, and may start differently.
  const isSame = resumed !== undefined && begun !== undefined;
  const beginning = isSame ? begun : await beginningOf(identity, data, parameters);
  return {
    identity: { ...identity, runId: runIdOf(beginning, start) },
    parameters,
    notes,
    resumed,
    beginning: encodeBeginning(beginning),
  };
}

/** What a worker keeps from one welcome to the next must fit: what the run began with, and which sample is where. */
function runIdOf({ id }: Beginning, { config, source }: RunStart): string {
  return sha256OfText(`${id} ${samplesFingerprint(config)} ${JSON.stringify(source.size)}`);
}

/** Changes of the data set are reported first: the counts in a checkpoint do not say what changed. */
async function resume(
  { config, source, log, memory }: RunStart,
  known: {
    readonly identity: RunIdentity;
    readonly data: DataIdentity;
    readonly begun: Beginning | undefined;
  },
): Promise<LoadedCheckpoint | undefined> {
  const { identity, data, begun } = known;
  const compare = async () => {
    if (begun !== undefined) await refuseOtherData(begun, { config, source, data });
  };
  const resumed = await findCheckpoint(identity, log, { ...(memory && { memory }) }).catch(
    async (error: unknown) => {
      if (TesseraError.from(error).code === 'CHECKPOINT_MISMATCH') await compare();
      throw error;
    },
  );
  if (resumed !== undefined) await compare();
  if (resumed !== undefined && begun === undefined) {
    log.info(
      'the run does not say which data set it began with: only its classes and numbers were compared',
    );
  }
  return resumed;
}
