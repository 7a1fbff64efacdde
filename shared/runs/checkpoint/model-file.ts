/** @file Finds and reads a trained model: by run folder, checkpoint folder or safetensors file. */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';
import { cannotRead, readWholeFile } from '../../files/files.ts';
import { readShards } from '../../weights/files/shards.ts';
import { readSafetensors, type SafeTensors } from '../../weights/formats/safetensors.ts';
import { indexName, isIndexName } from '../../weights/formats/shards.ts';
import { float32Of } from '../../weights/formats/tensor-values.ts';
import type { EvaluationReport } from '../events.ts';
import { parseModelMetadata, type SavedModelMetadata } from '../model-metadata.ts';
import { goneCheckpoint, readBestCheckpoint, readNamedCheckpoint } from './choose.ts';
import { CHECKPOINT_FILES, checkpointsFolder } from './layout.ts';
import { readState, readVerified } from './state.ts';

/** A model's parameters by name, and its description when Tessera wrote it. */
export interface ModelFile {
  readonly parametersByName: Map<string, { shape: readonly number[]; values: Float32Array }>;
  readonly metadata: SavedModelMetadata | undefined;
  /** The safetensors file that was read. */
  readonly modelPath: string;
  /** The last evaluation that its run had made by then, as its checkpoint says. */
  readonly evaluation?: EvaluationReport | undefined;
}

/**
 * Reads a model. Of a run folder it takes the best checkpoint, else the newest.
 *
 * Throws  DATA_INVALID when there is no model there (any more); CHECKPOINT_CORRUPT when it is damaged.
 */
export async function loadModelFile(path: string, disk: Disk = machineDisk): Promise<ModelFile> {
  const { file, modelPath, evaluation } = await locate(path, disk);
  const parametersByName = new Map(
    [...file.tensors].map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: float32Of(tensor, name) },
    ]),
  );
  const metadata = parseModelMetadata(file.metadata, modelPath);
  return { parametersByName, metadata, modelPath, evaluation };
}

/** Whether `path` is the folder of a run, or of a checkpoint. Throws  DATA_INVALID when it may not be looked into. */
export async function isRunOrCheckpoint(path: string): Promise<boolean> {
  const kind = await kindOf(path);
  return kind === 'run' || kind === 'checkpoint';
}

/**
 * Reads with `read` the model's own file in a run or checkpoint folder; anything else as it is.
 *
 * Throws  what `read` throws; DATA_INVALID when a run has no checkpoint, or keeps none for long enough.
 */
export async function withModelFile<T>(
  path: string,
  read: (file: string) => Promise<T>,
  disk: Disk = machineDisk,
): Promise<T> {
  const inFolder = (folder: string) => {
    const whole = join(folder, CHECKPOINT_FILES.model);
    return read(!disk.exists(whole) && disk.exists(indexName(whole)) ? indexName(whole) : whole);
  };
  switch (await kindOf(path)) {
    case 'checkpoint':
      return await readNamedCheckpoint(path, disk, inFolder);
    case 'run':
      return await readBestCheckpoint(path, disk, inFolder);
    default:
      return await read(path);
  }
}

async function locate(
  path: string,
  disk: Disk,
): Promise<{ file: SafeTensors } & Pick<ModelFile, 'modelPath' | 'evaluation'>> {
  const readInFolder = (folder: string) => readCheckpointModel(folder, disk);
  switch (await kindOf(path)) {
    case 'file':
      return { file: await readModel(path), modelPath: path };
    case 'checkpoint':
      return await readNamedCheckpoint(path, disk, readInFolder);
    case 'run':
      return await readBestCheckpoint(path, disk, readInFolder);
    default:
      throw noModel(`there is no model at ${path}`);
  }
}

async function kindOf(path: string): Promise<'file' | 'checkpoint' | 'run' | undefined> {
  const found = await lookAt(path);
  if (found?.isFile()) return 'file';
  if (await lookAt(join(path, CHECKPOINT_FILES.state))) return 'checkpoint';
  if (await lookAt(checkpointsFolder(path))) return 'run';
  const isGone = found === undefined && /^step-\d{8,}$/.test(basename(path));
  if (isGone) throw await goneCheckpoint(path, machineDisk);
  return undefined;
}

/** What is there; undefined for nothing. What may not be looked into is something. */
async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (['EACCES', 'EPERM'].includes(errnoOf(error))) throw cannotRead(path, error);
    return undefined;
  }
}

async function readCheckpointModel(folder: string, disk: Disk) {
  const { state } = await readState(folder, disk);
  const file = await readVerified(folder, state, 'model', { disk });
  return { file, modelPath: file.path, evaluation: state.progress.evaluation };
}

async function readModel(path: string): Promise<SafeTensors> {
  if (isIndexName(path)) return await readShards(path);
  const bytes = await readWholeFile(path);
  try {
    return readSafetensors(bytes);
  } catch (error) {
    const { sentence, hint } = TesseraError.from(error);
    throw new TesseraError('DATA_INVALID', `cannot load ${path}: ${sentence}`, {
      ...(hint !== undefined && { hint }),
      cause: error,
    });
  }
}

function noModel(sentence: string): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, {
    hint: 'give a run folder, a checkpoint folder or a .safetensors file',
  });
}
