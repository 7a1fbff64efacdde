/** @file Reads pretrained weights: a safetensors or PyTorch file, or a Hugging Face folder. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type KnownWeights, WEIGHTS } from '../../catalog/weights.ts';
import { digestsOfFile } from '../../files/known-file.ts';
import { ownFacts } from '../describe/own.ts';
import { type Facts, factsFrom, firstOf } from '../facts.ts';
import { isIndexName } from '../formats/shards.ts';
import { renameWeights, type Weights } from '../names/rename.ts';
import { inFile, keyInside, readTensorFile, type TensorFile } from './file.ts';
import { readHuggingFaceFolder } from './huggingface.ts';
import { readShards } from './shards.ts';

/** No file of the catalogue is smaller: the checksum of a smaller file is not needed. */
const BYTES_MIN = 20e6;

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
    : { file: await readOneOrShards(path, key), info: {} };
  const published = isFolder ? {} : await catalogueFacts(file);
  const options = { key: keyInside(file.nesting, key), unread: file.unread };
  const weights = inFile(path, () => {
    const facts = firstOf(stated, file.info ?? {}, ownFacts(file.metadata), published);
    return renameWeights(file.tensors, facts, options);
  });
  return { ...file, ...weights, notes: [...(file.notes ?? []), ...weights.notes] };
}

/** A file, or the shards that an index names. */
function readOneOrShards(path: string, key: string | undefined): Promise<TensorFile> {
  return isIndexName(path) ? readShards(path) : readTensorFile(path, key);
}

/** The publisher's preparation of images, for a file of the catalogue: recognised by its checksum, whatever its name. */
async function catalogueFacts({ path, format }: TensorFile): Promise<Facts> {
  const known = WEIGHTS.filter(({ digest }) => digest?.algorithm === 'sha256');
  const { size } = await stat(path);
  // All that have a checksum were written by torch.save.
  const mayBe = size >= BYTES_MIN && format !== 'safetensors';
  const sha256 = mayBe ? (await digestsOfFile(path)).sha256 : undefined;
  const found = known.find(({ digest }) => sha256?.startsWith(digest?.hex ?? '-'));
  if (found !== undefined) return factsOf(found, 'catalogue', `catalogue, ${found.name}`);
  const name = basename(path);
  const called = WEIGHTS.find(({ file, digest }) => file === name && digest === undefined);
  if (called === undefined) return {};
  return factsOf(called, 'naming', `name of the file, as in the catalogue`);
}

function factsOf({ pixels }: KnownWeights, source: 'catalogue' | 'naming', where: string): Facts {
  return factsFrom(source, where, { cropRounding: 'even', ...pixels });
}
