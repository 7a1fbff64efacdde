/** @file Reads pretrained weights: a safetensors or PyTorch file, or a Hugging Face folder. */
import { stat } from 'node:fs/promises';
import { ownFacts } from '../describe/own.ts';
import { firstOf } from '../facts.ts';
import { renameWeights, type Weights } from '../names/rename.ts';
import { catalogueFacts } from './catalogued.ts';
import { inFile, keyInside, readTensorFile, type TensorFile } from './file.ts';
import { readHuggingFaceFolder } from './huggingface.ts';

/** Weights and their location. */
export interface WeightsFile extends Weights, Omit<TensorFile, 'tensors' | 'notes' | 'info'> {}

/** How weights are read. */
export interface ReadOptions {
  /** Selects one of several models in a file: keys and prefix that lead to it, such as `teacher`. */
  readonly key?: string | undefined;
}

/**
 * Reads the weights of a ViT, in timm's names.
 *
 * Throws  DATA_INVALID when they are missing or damaged; CHECKPOINT_MISMATCH when they are not of a ViT.
 */
export async function readWeights(path: string, { key }: ReadOptions = {}): Promise<WeightsFile> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const { file, info: stated } = isFolder
    ? await readHuggingFaceFolder(path, key)
    : { file: await readTensorFile(path, key), info: {} };
  const published = isFolder ? {} : await catalogueFacts(file);
  const options = { key: keyInside(file.nesting, key), unread: file.unread };
  const weights = inFile(path, () => {
    const facts = firstOf(stated, file.info ?? {}, ownFacts(file.metadata), published);
    return renameWeights(file.tensors, facts, options);
  });
  return { ...file, ...weights, notes: [...(file.notes ?? []), ...weights.notes] };
}
