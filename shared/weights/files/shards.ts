/** @file Reads weights that lie in shards, by their index. */
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import type { SafeTensors } from '../formats/safetensors.ts';
import { readTensorFile, type TensorFile } from './file.ts';
import { readJson } from './json.ts';

const shardsSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Reads the shards that an index names, which lie beside it.
 *
 * Throws  DATA_INVALID when the index, or a shard, cannot be read, or one lies elsewhere.
 */
export async function readShards(path: string): Promise<TensorFile & Pick<SafeTensors, 'tensors'>> {
  const { weight_map: map } = await readJson(path, shardsSchema);
  const names = [...new Set(Object.values(map))].sort();
  const outside = names.find((name) => basename(name) !== name || name === '..');
  if (outside !== undefined) {
    throw new TesseraError('DATA_INVALID', `${path} points outside its folder: ${outside}`);
  }
  const shards: TensorFile[] = [];
  for (const name of names) shards.push(await readTensorFile(join(dirname(path), name)));
  const [first] = shards;
  if (first === undefined) throw new TesseraError('DATA_INVALID', `${path} names no file`);
  return { ...first, path, tensors: new Map(shards.flatMap(({ tensors }) => [...tensors])) };
}
