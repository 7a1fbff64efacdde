/**
 * @file The tensors of a checkpoint on disk: one file, or shards and their index where one would be too large.
 *
 * What is noted of them is in `state.json`; every byte is checked against it before a tensor is looked at.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { crc32OfPieces } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import { readWholeFile } from '../../files/files.ts';
import type { FileRoom } from '../../files/regular-file.ts';
import { readSafetensors, type SafeTensors } from '../../weights/formats/safetensors.ts';
import { type FilePieces, indexName, shardName } from '../../weights/formats/shards.ts';
import { count } from '../events.ts';
import { corrupt } from './faults.ts';
import { CHECKPOINT_FILES } from './layout.ts';

const file = z.strictObject({ bytes: count, crc32: count });

/** What a state says of a file of tensors: of itself, or of its shards and their index. */
export const tensorFile = z.union([
  file,
  z.strictObject({ index: file, shards: z.array(file).min(2).max(99_999) }),
]);

type File = z.infer<typeof file>;
export type TensorFileNote = z.infer<typeof tensorFile>;
export type TensorFileName = 'model' | 'optimizer';

/** The tensors of a checkpoint's file and the path by which others read them. */
export interface VerifiedTensors extends SafeTensors {
  readonly path: string;
}

/** Where files are read from, and into which memory. */
export interface ReadFrom {
  readonly disk?: Disk | undefined;
  readonly room?: FileRoom | undefined;
}

/** What a state says of files that are to be written. */
export async function noteOf(files: readonly FilePieces[]): Promise<TensorFileNote> {
  const notes: File[] = [];
  for (const { pieces } of files) {
    notes.push({ bytes: lengthOf(pieces), crc32: await crc32OfPieces(pieces) });
  }
  const [index, ...shards] = notes.reverse();
  if (index === undefined || shards.length === 0) return index ?? { bytes: 0, crc32: 0 };
  return { index, shards: shards.reverse() };
}

/** Bytes on disk. */
export function bytesOfNote(note: TensorFileNote): number {
  if ('bytes' in note) return note.bytes;
  return note.shards.reduce((sum, { bytes }) => sum + bytes, note.index.bytes);
}

/** Bytes of pieces. */
export function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** The file that others read: the file itself, or the index of its shards. */
function pathOfNote(folder: string, name: TensorFileName, note: TensorFileNote): string {
  const whole = CHECKPOINT_FILES[name];
  return join(folder, 'bytes' in note ? whole : indexName(whole));
}

/**
 * Reads tensors of a checkpoint, checked against what its state notes.
 *
 * Throws  CHECKPOINT_CORRUPT when a size or checksum does not hold; DATA_INVALID when a file cannot be read.
 */
export async function readNoted(
  folder: string,
  name: TensorFileName,
  note: TensorFileNote,
  { disk, room }: ReadFrom = {},
): Promise<VerifiedTensors> {
  const path = pathOfNote(folder, name, note);
  const whole = CHECKPOINT_FILES[name];
  if ('bytes' in note) {
    return { ...readSafetensors(await readChecked(folder, whole, note, { disk, room })), path };
  }
  await readChecked(folder, indexName(whole), note.index, { disk });
  const tensors: SafeTensors['tensors'] = new Map();
  let metadata: SafeTensors['metadata'] = {};
  for (const [place, shard] of note.shards.entries()) {
    const shardFile = shardName(whole, place, note.shards.length);
    const read = readSafetensors(await readChecked(folder, shardFile, shard, { disk, room }));
    for (const [key, tensor] of read.tensors) {
      if (tensors.has(key)) throw corrupt(folder, `${shardFile} has tensor ${key} once more`);
      tensors.set(key, tensor);
    }
    metadata = read.metadata;
  }
  return { tensors, metadata, path };
}

async function readChecked(
  folder: string,
  name: string,
  noted: File,
  { disk, room }: ReadFrom,
): Promise<Uint8Array> {
  const bytes = await readWholeFile(join(folder, name), { disk, room });
  if (bytes.length !== noted.bytes) {
    throw corrupt(folder, `${name} has ${bytes.length} bytes instead of ${noted.bytes}`);
  }
  if ((await crc32OfPieces([bytes])) !== noted.crc32) {
    throw corrupt(folder, `the checksum of ${name} does not hold`);
  }
  return bytes;
}
