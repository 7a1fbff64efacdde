/** @file Finds and reads a trained model: by run folder, checkpoint folder or safetensors file. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../shared/core/errors.ts';
import { float32Of, readSafetensors, type SafeTensors } from '../shared/formats/safetensors.ts';
import { readWholeFile } from '../shared/host/files.ts';
import { CHECKPOINT_FILES, readState, readVerified } from './checkpoint-state.ts';
import { checkpointsFolder, listCheckpoints } from './checkpoints.ts';
import { parseModelMetadata, type SavedModelMetadata } from './model-metadata.ts';

/** A model's parameters by name, and its description when Tessera wrote it. */
export interface ModelFile {
  readonly parametersByName: Map<string, { shape: readonly number[]; values: Float32Array }>;
  readonly metadata: SavedModelMetadata | undefined;
  /** The safetensors file that was read. */
  readonly modelPath: string;
}

/**
 * Reads a model. Of a run folder it takes the best checkpoint, else the newest.
 *
 * Throws  DATA_INVALID when there is no model there; CHECKPOINT_CORRUPT when it is damaged.
 */
export async function loadModelFile(path: string): Promise<ModelFile> {
  const { file, modelPath } = await locate(path);
  const parametersByName = new Map(
    [...file.tensors].map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: float32Of(tensor, name) },
    ]),
  );
  return { parametersByName, metadata: parseModelMetadata(file.metadata, modelPath), modelPath };
}

/** The model's own file in a run or checkpoint folder; undefined when `path` is neither. */
export async function modelFileIn(path: string): Promise<string | undefined> {
  const kind = await kindOf(path);
  if (kind === 'checkpoint') return join(path, CHECKPOINT_FILES.model);
  if (kind === 'run') return join(await bestCheckpoint(path), CHECKPOINT_FILES.model);
  return undefined;
}

async function locate(path: string): Promise<{ file: SafeTensors; modelPath: string }> {
  switch (await kindOf(path)) {
    case 'file':
      return { file: await readModel(path), modelPath: path };
    case 'checkpoint':
      return readCheckpointModel(path);
    case 'run':
      return readCheckpointModel(await bestCheckpoint(path));
    default:
      throw noModel(`there is no model at ${path}`);
  }
}

async function kindOf(path: string): Promise<'file' | 'checkpoint' | 'run' | undefined> {
  const isThere = (place: string) => stat(place).catch(() => undefined);
  const found = await isThere(path);
  if (found?.isFile()) return 'file';
  if (await isThere(join(path, CHECKPOINT_FILES.state))) return 'checkpoint';
  if (await isThere(checkpointsFolder(path))) return 'run';
  return undefined;
}

async function bestCheckpoint(runFolder: string): Promise<string> {
  const checkpoints = await listCheckpoints(runFolder);
  const newest = checkpoints[0];
  if (newest === undefined) throw noModel(`run ${runFolder} has no checkpoint yet`);
  const { state } = await readState(newest.folder);
  const bestStep = state.progress.best?.version;
  return (checkpoints.find(({ step }) => step === bestStep) ?? newest).folder;
}

async function readCheckpointModel(folder: string) {
  const { state } = await readState(folder);
  const modelPath = join(folder, CHECKPOINT_FILES.model);
  return { file: await readVerified(folder, state, 'model'), modelPath };
}

async function readModel(path: string): Promise<SafeTensors> {
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
