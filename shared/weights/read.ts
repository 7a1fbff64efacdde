/** @file Reads pretrained weights: a safetensors or PyTorch file, or a Hugging Face folder. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { renameWeights, type Weights, type WeightsInfo } from '../model/pretrained/weights.ts';
import { inFile, keyInside, readTensorFile, type TensorFile } from './file.ts';
import { readHuggingFaceFolder } from './huggingface.ts';

/** Weights and where they were. */
export interface WeightsFile extends Weights, Omit<TensorFile, 'tensors' | 'notes' | 'info'> {}

/** How weights are read. */
export interface ReadOptions {
  /** Which model, where a file holds several: keys and prefix that lead to it, such as `teacher`. */
  readonly key?: string | undefined;
}

/** What Tessera's own files say of their model; of strangers' files nothing is asked. */
const ownSchema = z.object({
  model: z.object({ heads: z.int().min(1), imageSize: z.int().min(1) }),
  classes: z.array(z.string()),
});

/**
 * Reads the weights of a ViT, in timm's names.
 *
 * Throws  DATA_INVALID when they are not there or damaged; CHECKPOINT_MISMATCH when they are of no ViT.
 */
export async function readWeights(path: string, { key }: ReadOptions = {}): Promise<WeightsFile> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const { file, info } = isFolder ? await readHuggingFaceFolder(path) : await readAlone(path, key);
  const options = { key: keyInside(file.nesting, key), unread: file.unread };
  const weights = inFile(path, () =>
    renameWeights(file.tensors, { ...ownInfo(file), ...file.info, ...info }, options),
  );
  return { ...file, ...weights, notes: [...(file.notes ?? []), ...weights.notes] };
}

async function readAlone(
  path: string,
  key: string | undefined,
): Promise<{ file: TensorFile; info: WeightsInfo }> {
  return { file: await readTensorFile(path, key), info: {} };
}

function ownInfo({ metadata }: TensorFile): WeightsInfo {
  const text = metadata['tessera'];
  if (text === undefined) return {};
  try {
    const { model, classes } = ownSchema.parse(JSON.parse(text));
    return { ...model, classes };
  } catch {
    // Others may use the key too; what cannot be understood says nothing.
    return {};
  }
}
