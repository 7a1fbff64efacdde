/** @file Writes a checkpoint: there whole, or not at all. */
import type { Clock } from '../../core/clock.ts';
import { sha256OfText } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import { writeFolderAtomically } from '../../files/files.ts';
import { type ParameterTable, parameterView } from '../../model/parameters.ts';
import { encodeShards, type FilePieces } from '../../weights/formats/shards.ts';
import { encodeModelMetadata, type ModelMetadata } from '../model-metadata.ts';
import { CHECKPOINT_FILES, checkpointFolder, type SavedCheckpoint, WEIGHTS } from './layout.ts';
import { type CheckpointState, encodeState, type ProgressSnapshot } from './state.ts';
import { bytesOfNote, lengthOf, noteOf } from './tensor-files.ts';

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
  /** Bytes of tensors in a file; what has more becomes several. */
  readonly shardBytes?: number | undefined;
  readonly disk?: Disk;
}): Promise<SavedCheckpoint> {
  const { runFolder, store, identityJson, metadata, progress, clock, shardBytes, disk } = options;
  const startedMs = clock.nowMs();
  const step = store.version;
  const model = encodeModel(store, metadata, shardBytes);
  const optimizer = encodeOptimizer(store, shardBytes);
  const state: CheckpointState = {
    step,
    runFingerprint: sha256OfText(identityJson),
    identityJson,
    progress,
    parametersSha256: await store.sha256(),
    files: { model: await noteOf(model), optimizer: await noteOf(optimizer) },
  };
  const described = [encodeState(state)];
  const folder = checkpointFolder(runFolder, step);
  const files = [...model, ...optimizer, { name: CHECKPOINT_FILES.state, pieces: described }];
  await writeFolderAtomically(folder, files, disk);
  return {
    step,
    folder,
    bytes:
      bytesOfNote(state.files.model) + bytesOfNote(state.files.optimizer) + lengthOf(described),
    seconds: (clock.nowMs() - startedMs) / 1000,
    parametersSha256: state.parametersSha256,
  };
}

function encodeModel(
  { table, parameters, average, version }: CheckpointSource,
  metadata: ModelMetadata,
  bytesMax: number | undefined,
): FilePieces[] {
  const best = average ?? parameters;
  const tensors = table.entries.map((entry) => ({
    name: entry.name,
    dtype: 'F32' as const,
    shape: entry.shape,
    bytes: bytesOf(parameterView(best, entry)),
  }));
  return encodeShards(CHECKPOINT_FILES.model, tensors, {
    metadata: encodeModelMetadata(metadata, version),
    bytesMax,
  });
}

function encodeOptimizer(store: CheckpointSource, bytesMax: number | undefined): FilePieces[] {
  const { state, parameters, average, frozen = 0 } = store;
  const kept = average === undefined ? state : { ...state, [WEIGHTS]: parameters.subarray(frozen) };
  const tensors = Object.entries(kept).map(([name, moment]) => ({
    name,
    dtype: 'F32' as const,
    shape: [moment.length],
    bytes: bytesOf(moment),
  }));
  return encodeShards(CHECKPOINT_FILES.optimizer, tensors, { bytesMax });
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
