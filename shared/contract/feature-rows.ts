/** @file What a frozen backbone made of samples, as messages and back; what comes in is checked here. */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import { type Bytes, bytesOf, ChunkAssembler, lengthOf } from './chunks.ts';
import { wireInteger } from './validate.ts';

/** Features of one sample. */
export interface FeatureRow {
  readonly index: number;
  /** 0 on the way to the coordinator, which knows it. */
  readonly label: number;
  readonly values: Float32Array;
}

/** The contract's FeatureRows. */
export interface FeatureMessage<Data extends Bytes = Uint8Array> {
  readonly indices: number[];
  readonly labels: number[];
  readonly crc32: number;
  readonly data: Data;
}

/** What the rows of a message must be. */
export interface FeatureShape {
  /** Values of a row. */
  readonly width: number;
  /** Samples of the split. */
  readonly numSamples: number;
}

/** Rows as messages of about `chunkBytes`. */
export function* encodeFeatures(
  rows: readonly FeatureRow[],
  chunkBytes: number,
): Generator<FeatureMessage> {
  const width = rows[0]?.values.length ?? 1;
  const rowsEach = Math.max(1, Math.floor(chunkBytes / (width * Float32Array.BYTES_PER_ELEMENT)));
  for (let first = 0; first < rows.length; first += rowsEach) {
    const some = rows.slice(first, first + rowsEach);
    const values = new Float32Array(some.length * width);
    for (const [place, row] of some.entries()) values.set(row.values, place * width);
    const data = bytesOf(values);
    yield {
      indices: some.map(({ index }) => index),
      labels: some.map(({ label }) => label),
      crc32: crc32(data),
      data,
    };
  }
}

/**
 * The rows of a message; their values are views of one copy.
 *
 * Throws  MESSAGE_INVALID, CHUNK_CORRUPT or NON_FINITE, naming what is wrong.
 */
export function decodeFeatures(message: FeatureMessage<Bytes>, shape: FeatureShape): FeatureRow[] {
  const { indices, labels, data } = message;
  const { width, numSamples } = shape;
  const numBytes = lengthOf(data);
  if (labels.length !== indices.length) {
    throw new TesseraError(
      'MESSAGE_INVALID',
      `features: ${labels.length} labels of ${indices.length}`,
    );
  }
  // Before anything is made of that size: the indices alone would ask for gigabytes.
  if (numBytes !== indices.length * width * Float32Array.BYTES_PER_ELEMENT) {
    throw new TesseraError(
      'CHUNK_CORRUPT',
      `features: ${numBytes} bytes for ${indices.length} rows of ${width}`,
    );
  }
  if (indices.length === 0) return [];
  const values = new Float32Array(indices.length * width);
  const assembler = new ChunkAssembler(values, 'features');
  assembler.add({ offset: 0, totalBytes: numBytes, crc32: message.crc32, data });
  return indices.map((index, place) => ({
    index: wireInteger(index, 'features.indices', { max: numSamples - 1 }),
    label: wireInteger(labels[place] ?? 0, 'features.labels'),
    values: values.subarray(place * width, (place + 1) * width),
  }));
}
