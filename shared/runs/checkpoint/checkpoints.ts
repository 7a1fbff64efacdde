/**
 * @file The checkpoints of a run: one folder each, there whole or not at all, verified when read.
 *
 * RUN/checkpoints/step-00000400/ holds `model.safetensors` (the model to use, by its timm names, readable by any
 * tool), `optimizer.safetensors` (the moments) and `state.json` (all else, and the checksums). Where the moving
 * average of the weights is the model to use, the weights themselves lie beside the moments.
 */
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { crc32OfPieces, sha256OfBytes, sha256OfText } from '../../files/digest.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';
import { errnoOf } from '../../files/errno.ts';
import { removeFolderAtomically, writeFolderAtomically } from '../../files/files.ts';
import type { ParameterTable } from '../../model/parameters.ts';
import {
  encodeSafetensors,
  float32Of,
  type SafeTensor,
} from '../../weights/formats/safetensors.ts';
import { encodeModelMetadata, type ModelMetadata } from '../model-metadata.ts';
import {
  CHECKPOINT_FILES,
  type CheckpointState,
  corrupt,
  encodeState,
  mismatch,
  type ProgressSnapshot,
  readState,
  readVerified,
  refuseDiverged,
  refuseOtherRun,
} from './state.ts';

/** A checkpoint on disk. Units  seconds that writing it took. */
export interface SavedCheckpoint {
  readonly step: number;
  readonly folder: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly parametersSha256: string;
  /** Folder of an older checkpoint that was given up, since the disk had no room for this one beside it. */
  readonly givenUp?: string;
}

/** A checkpoint that was read and found good; its `seconds` are 0, nothing was written. */
export interface LoadedCheckpoint extends SavedCheckpoint {
  readonly parameters: Float32Array;
  /** The moving average of the weights, where there is one. */
  readonly average: Float32Array | undefined;
  /** The optimizer's moments by name. */
  readonly state: Record<string, Float32Array>;
  readonly progress: ProgressSnapshot;
}

/** What a checkpoint takes from the parameter store. */
export interface CheckpointSource {
  readonly table: ParameterTable;
  readonly version: number;
  readonly parameters: Float32Array;
  readonly average?: Float32Array | undefined;
  /** Values at the beginning that do not train. */
  readonly frozen?: number;
  readonly state: Readonly<Record<string, Float32Array>>;
  sha256(): Promise<string>;
}

/** What a checkpoint must be of, to go on from it. */
export interface ExpectedRun {
  readonly table: ParameterTable;
  /** Values at the beginning that do not train. */
  readonly frozen?: number;
  /** Everything that decides the numbers of the run, as canonical JSON. */
  readonly identityJson: string;
}

/**
 * Writes the checkpoint of the store's present version, replacing one of the same step.
 *
 * Throws  CANNOT_WRITE; no half checkpoint is left.
 */
export async function writeCheckpoint(options: {
  readonly runFolder: string;
  readonly store: CheckpointSource;
  readonly identityJson: string;
  readonly metadata: ModelMetadata;
  readonly progress: ProgressSnapshot;
  readonly clock: Clock;
  readonly disk?: Disk;
}): Promise<SavedCheckpoint> {
  const { runFolder, store, identityJson, metadata, progress, clock, disk } = options;
  const startedMs = clock.nowMs();
  const step = store.version;
  const model = encodeModel(store, metadata);
  const optimizer = encodeOptimizer(store);
  const state: CheckpointState = {
    step,
    runFingerprint: sha256OfText(identityJson),
    identityJson,
    progress,
    parametersSha256: await store.sha256(),
    files: { model: await checksumsOf(model), optimizer: await checksumsOf(optimizer) },
  };
  const described = [encodeState(state)];
  const folder = join(checkpointsFolder(runFolder), folderName(step));
  const files = [
    { name: CHECKPOINT_FILES.model, pieces: model },
    { name: CHECKPOINT_FILES.optimizer, pieces: optimizer },
    { name: CHECKPOINT_FILES.state, pieces: described },
  ];
  await writeFolderAtomically(folder, files, disk);
  return {
    step,
    folder,
    bytes: lengthOf(model) + lengthOf(optimizer) + lengthOf(described),
    seconds: (clock.nowMs() - startedMs) / 1000,
    parametersSha256: state.parametersSha256,
  };
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
  const model = await readVerified(folder, state, 'model', disk);
  const optimizer = await readVerified(folder, state, 'optimizer', disk);
  const { table, frozen = 0 } = expected;
  const saved = flatten(folder, model.tensors, table);
  const { [WEIGHTS]: weights, ...moments } = momentsOf(
    folder,
    optimizer.tensors,
    table.size - frozen,
  );
  const parameters = weights === undefined ? saved : saved.slice();
  if (weights !== undefined) parameters.set(weights, frozen);
  refuseDiverged(folder, 'model', model.tensors);
  refuseDiverged(folder, 'optimizer', optimizer.tensors);
  if ((await sha256OfBytes(parameters)) !== state.parametersSha256) {
    throw corrupt(folder, 'the parameters are not those that state.json speaks of');
  }
  return {
    step: state.step,
    folder,
    bytes: stateBytes + state.files.model.bytes + state.files.optimizer.bytes,
    seconds: 0,
    parametersSha256: state.parametersSha256,
    parameters,
    average: weights === undefined ? undefined : saved,
    state: moments,
    progress: state.progress,
  };
}

/** The checkpoints of a run, the newest first; none of a folder that holds none. */
export async function listCheckpoints(
  runFolder: string,
  disk: Disk = machineDisk,
): Promise<{ step: number; folder: string }[]> {
  const parent = checkpointsFolder(runFolder);
  if (!disk.exists(parent)) return [];
  const names = await disk.list(parent).catch((error: unknown): string[] => {
    // It has gone since.
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^step-\d{8,}$/.test(name))
    .map((name) => ({ step: Number(name.slice('step-'.length)), folder: join(parent, name) }))
    .sort((one, other) => other.step - one.step);
}

/**
 * Removes all but the last `keep` checkpoints and the best one. Those beyond `newestStep` stay: a
 * resumed run skipped them as damaged, and will write them again.
 *
 * Throws  CANNOT_WRITE.
 */
export async function pruneCheckpoints(
  runFolder: string,
  options: {
    readonly keep: number;
    readonly bestStep: number | undefined;
    readonly newestStep?: number;
    readonly disk?: Disk | undefined;
  },
): Promise<void> {
  const { keep, bestStep, newestStep = Number.POSITIVE_INFINITY, disk } = options;
  const reached = (await listCheckpoints(runFolder, disk)).filter(({ step }) => step <= newestStep);
  for (const { step, folder } of reached.slice(keep)) {
    if (step !== bestStep) await removeFolderAtomically(folder, disk);
  }
}

/**
 * Removes the oldest checkpoint before `newestStep` that is not the best one, and answers which that was; undefined
 * when there is none.
 *
 * Throws  CANNOT_WRITE.
 */
export async function giveUpOldest(
  runFolder: string,
  options: {
    readonly bestStep: number | undefined;
    readonly newestStep: number;
    readonly disk?: Disk | undefined;
  },
): Promise<string | undefined> {
  const { bestStep, newestStep, disk } = options;
  const oldest = (await listCheckpoints(runFolder, disk)).findLast(
    ({ step }) => step < newestStep && step !== bestStep,
  );
  if (oldest !== undefined) await removeFolderAtomically(oldest.folder, disk);
  return oldest?.folder;
}

/** Where a run keeps its checkpoints. */
export function checkpointsFolder(runFolder: string): string {
  return join(runFolder, 'checkpoints');
}

/** Name of the weights among the moments. */
const WEIGHTS = 'weights';

function folderName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

function encodeModel(
  { table, parameters, average, version }: CheckpointSource,
  metadata: ModelMetadata,
) {
  const best = average ?? parameters;
  const tensors = table.entries.map(({ name, shape, offset, size }) => ({
    name,
    dtype: 'F32' as const,
    shape,
    bytes: bytesOf(best.subarray(offset, offset + size)),
  }));
  return encodeSafetensors(tensors, encodeModelMetadata(metadata, version));
}

function encodeOptimizer(store: CheckpointSource): Uint8Array[] {
  const { state, parameters, average, frozen = 0 } = store;
  const kept = average === undefined ? state : { ...state, [WEIGHTS]: parameters.subarray(frozen) };
  return encodeSafetensors(
    Object.entries(kept).map(([name, moment]) => ({
      name,
      dtype: 'F32',
      shape: [moment.length],
      bytes: bytesOf(moment),
    })),
  );
}

function flatten(
  folder: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  table: ParameterTable,
): Float32Array {
  const flat = new Float32Array(table.size);
  for (const { name, shape, offset } of table.entries) {
    const tensor = tensors.get(name);
    if (tensor === undefined || String(tensor.shape) !== String(shape)) {
      const found = tensor === undefined ? 'is missing' : `has shape [${tensor.shape}]`;
      throw mismatch(folder, `tensor ${name} ${found}, this model has [${shape}]`);
    }
    flat.set(float32Of(tensor, name), offset);
  }
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

async function checksumsOf(pieces: Uint8Array[]): Promise<{ bytes: number; crc32: number }> {
  return { bytes: lengthOf(pieces), crc32: await crc32OfPieces(pieces) };
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
