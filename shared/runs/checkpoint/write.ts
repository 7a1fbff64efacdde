/** @file Writes a checkpoint: there whole, or not at all. */
import type { Clock } from '../../core/clock.ts';
import { crc32OfPieces, sha256OfText } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import { writeFolderAtomically } from '../../files/files.ts';
import { type ParameterTable, parameterView } from '../../model/parameters.ts';
import { encodeSafetensors } from '../../weights/formats/safetensors.ts';
import { encodeModelMetadata, type ModelMetadata } from '../model-metadata.ts';
import { CHECKPOINT_FILES, checkpointFolder, type SavedCheckpoint, WEIGHTS } from './layout.ts';
import { type CheckpointState, encodeState, type ProgressSnapshot } from './state.ts';

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
  const folder = checkpointFolder(runFolder, step);
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

function encodeModel(
  { table, parameters, average, version }: CheckpointSource,
  metadata: ModelMetadata,
) {
  const best = average ?? parameters;
  const tensors = table.entries.map((entry) => ({
    name: entry.name,
    dtype: 'F32' as const,
    shape: entry.shape,
    bytes: bytesOf(parameterView(best, entry)),
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

async function checksumsOf(pieces: Uint8Array[]): Promise<{ bytes: number; crc32: number }> {
  return { bytes: lengthOf(pieces), crc32: await crc32OfPieces(pieces) };
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
