/** @file Reads a checkpoint and verifies every byte of it. */
import { sha256OfBytes } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import type { FileRoom } from '../../files/regular-file.ts';
import { flattened, type ParameterTable } from '../../model/parameters.ts';
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
import { bytesOfNote, type ReadFrom } from './tensor-files.ts';

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
  /** Memory for the tensors of one try, such as memory that threads share; what it gave before is not used any more. */
  readonly beginTry?: () => FileRoom;
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
  const from = { disk, room: expected.beginTry?.() };
  const saved = await readModel(folder, state, { table, from });
  const optimizer = await readVerified(folder, state, 'optimizer', from);
  const { [WEIGHTS]: weights, ...moments } = momentsOf(
    folder,
    optimizer.tensors,
    table.size - frozen,
  );
  const parameters = weights === undefined ? saved : saved.slice();
  if (weights !== undefined) parameters.set(weights, frozen);
  await refuseDiverged(optimizer);
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
  { table, from }: { readonly table: ParameterTable; readonly from: ReadFrom },
): Promise<Float32Array> {
  const model = await readVerified(folder, state, 'model', from);
  const flat = parametersOf(folder, model.tensors, table);
  await refuseDiverged(model);
  return flat;
}

/**
 * The flat vector of a model's tensors, which have the names and shapes of the table and no others. Nothing is copied where
 * they lie one behind the other, as we write them.
 */
function parametersOf(
  folder: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  table: ParameterTable,
): Float32Array {
  const flat = flattened(table, ({ name, shape }) => {
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
