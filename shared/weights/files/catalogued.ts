/** @file Recognises weights of the catalogue by their checksum, whatever the name of their file. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type KnownWeights, WEIGHTS } from '../../catalog/weights.ts';
import { digestsOfFile } from '../../files/known-file.ts';
import { type Facts, factsFrom } from '../facts.ts';
import type { TensorFile } from './file.ts';

/** No file of the catalogue is smaller: the checksum of a smaller file is not needed. */
const BYTES_MIN = 20e6;

/** The publisher's preparation of images, for a file of the catalogue. */
export async function catalogueFacts({ path, format }: TensorFile): Promise<Facts> {
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
