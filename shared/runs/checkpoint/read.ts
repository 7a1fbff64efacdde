/** @file Reads a checkpoint and verifies every byte of it. */
import { sha256OfBytes } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import { flatten, type ParameterTable } from '../../model/parameters.ts';
import type { SafeTensor } from '../../weights/formats/safetensors.ts';
import { float32Of } from '../../weights/formats/tensor-values.ts';
import { corrupt, mismatch } from './faults.ts';
import { type SavedCheckpoint, WEIGHTS } from './layout.ts';
import {
  type CheckpointState,
  type ProgressSnapshot,
  readState,
  readVerified,
  refuseDiverged,
  refuseOtherRun,
} from './state.ts';
import { bytesOfNote } from './tensor-files.ts';

/** A checkpoint that was read and found good; its `seconds` are 0, nothing was written. */
export interface LoadedCheckpoint extends SavedCheckpoint {
  readonly parameters: Float32Array;
  /** The moving average of the weights, where there is one. */
  readonly average: Float32Array | undefined;
  /** The optimizer's moments by name. */
  readonly state: Record<string, Float32Array>;
  readonly progress: ProgressSnapshot;
}

/** The identity that a checkpoint must have to be resumed from. */
export interface ExpectedRun {
  readonly table: ParameterTable;
  /** Values at the beginning that do not train. */
  readonly frozen?: number;
  /** Everything that decides the numbers of the run, as canonical JSON. */
  readonly identityJson: string;
}

/**
 * Reads a checkpoint and verifies every byte of it.
 *
 * Throws  CHECKPOINT_CORRUPT when it is damaged, CHECKPOINT_MISMATCH when it is another run's, NON_FINITE when nothing can
 *         come of it.
 */
export async function readCheckpoint(
  folder: string,
  expected: ExpectedRun,
  disk?: Disk,
): Promise<LoadedCheckpoint> {
  const { state, bytes: stateBytes } = await readState(folder, disk);
  refuseOtherRun(folder, state, expected.identityJson);
  const { table, frozen = 0 } = expected;
  // By itself: the file's bytes are free before those of the moments, which are twice as many, come.
  const saved = await readModel(folder, state, { table, disk });
  const optimizer = await readVerified(folder, state, 'optimizer', disk);
  const { [WEIGHTS]: weights, ...moments } = momentsOf(
    folder,
    optimizer.tensors,
    table.size - frozen,
  );
  const parameters = weights === undefined ? saved : saved.slice();
  if (weights !== undefined) parameters.set(weights, frozen);
  refuseDiverged(optimizer);
  if ((await sha256OfBytes(parameters)) !== state.parametersSha256) {
    throw corrupt(folder, 'the parameters are not those that state.json speaks of');
  }
  return {
    step: state.step,
    folder,
    bytes: stateBytes + bytesOfNote(state.files.model) + bytesOfNote(state.files.optimizer),
    seconds: 0,
    parametersSha256: state.parametersSha256,
    parameters,
    average: weights === undefined ? undefined : saved,
    state: moments,
    progress: state.progress,
  };
}

/** The flat vector of the model's file. Throws  as `readCheckpoint`. */
async function readModel(
  folder: string,
  state: CheckpointState,
  { table, disk }: { readonly table: ParameterTable; readonly disk: Disk | undefined },
): Promise<Float32Array> {
  const model = await readVerified(folder, state, 'model', disk);
  const flat = parametersOf(folder, model.tensors, table);
  refuseDiverged(model);
  return flat;
}

/** The flat vector of a model's tensors, which have the names and shapes of the table and no others. */
function parametersOf(
  folder: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  table: ParameterTable,
): Float32Array {
  const flat = flatten(table, ({ name, shape }) => {
    const tensor = tensors.get(name);
    if (tensor !== undefined && String(tensor.shape) === String(shape)) {
      return float32Of(tensor, name);
    }
    const found = tensor === undefined ? 'is missing' : `has shape [${tensor.shape}]`;
    throw mismatch(folder, `tensor ${name} ${found}, this model has [${shape}]`);
  });
  if (tensors.size > table.entries.length) {
    const known = new Set(table.entries.map(({ name }) => name));
    const strange = [...tensors.keys()].filter((name) => !known.has(name));
    throw mismatch(folder, `this model has no tensor ${strange.slice(0, 3).join(', ')}`);
  }
  return flat;
}

function momentsOf(
  folder: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  size: number,
): Record<string, Float32Array> {
  const moments = [...tensors].map(([name, tensor]) => {
    const values = float32Of(tensor, name);
    if (values.length !== size) {
      throw mismatch(folder, `moment ${name} has ${values.length} values, not ${size}`);
    }
    return [name, values] as const;
  });
  return Object.fromEntries(moments);
}
