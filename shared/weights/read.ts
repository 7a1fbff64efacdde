/** @file Reads pretrained weights: a safetensors or PyTorch file, or a Hugging Face folder. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { renameWeights, type Weights, type WeightsInfo } from '../model/pretrained/weights.ts';
import { inFile, readTensorFile, type TensorFile } from './file.ts';
import { readHuggingFaceFolder } from './huggingface.ts';

/** Weights and where they were. */
export interface WeightsFile extends Weights, Omit<TensorFile, 'tensors'> {}

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
export async function readWeights(path: string): Promise<WeightsFile> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  const { file, info } = isFolder ? await readHuggingFaceFolder(path) : await readAlone(path);
  const weights = inFile(path, () => renameWeights(file.tensors, { ...ownInfo(file), ...info }));
  return { ...file, ...weights };
}

async function readAlone(path: string): Promise<{ file: TensorFile; info: WeightsInfo }> {
  return { file: await readTensorFile(path), info: {} };
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
