/** @file The doors of bulk bytes: chunks of a vector, pieces of a sample, rows of features. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import {
  bytesOf,
  ChunkAssembler,
  type ChunkPiece,
  cutPieces,
  cutVector,
  SampleAssembler,
} from '../../shared/contract/chunks.ts';
import { decodeFeatures } from '../../shared/contract/feature-rows.ts';
import { VALUE_TYPES } from '../../shared/core/floats.ts';
import { roundToBfloat16 } from '../../shared/kernels/bfloat16.ts';
import { door } from './door.ts';
import { floatBits } from './floats.ts';

const vector = fc
  .array(floatBits, { minLength: 1, maxLength: 40 })
  .map((bits) => new Float32Array(Int32Array.from(bits).buffer));
const chunkBytes = fc.integer({ min: 1, max: 90 });
const edge = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, Number.NaN, 0.5, Number.POSITIVE_INFINITY),
);

/** A change of a sequence: of a number of some chunk, of its bytes, of its place. */
const spoiling = fc.record({
  kind: fc.constantFrom('offset', 'totalBytes', 'crc32', 'bit', 'twice', 'gone', 'empty', 'longer'),
  at: fc.nat(40),
  by: edge,
});
type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never;

function spoil(chunks: readonly ChunkPiece[], { kind, at, by }: Spoiling): ChunkPiece[] {
  const place = at % chunks.length;
  const chunk = chunks[place] as ChunkPiece;
  const data = Buffer.from(chunk.data);
  switch (kind) {
    case 'twice':
      return chunks.toSpliced(place, 0, chunk);
    case 'gone':
      return chunks.toSpliced(place, 1);
    case 'empty':
      return chunks.toSpliced(place, 0, { ...chunk, data: new Uint8Array(0), crc32: 0 });
    case 'longer': {
      const longer = Buffer.concat([data, Buffer.alloc(4)]);
      return chunks.toSpliced(place, 1, { ...chunk, data: longer, crc32: crc32(longer) });
    }
    case 'bit':
      data[at % data.length] = (data[at % data.length] ?? 0) ^ 1;
      return chunks.toSpliced(place, 1, { ...chunk, data });
    default:
      return chunks.toSpliced(place, 1, { ...chunk, [kind]: chunk[kind] + by });
  }
}

export const vectorDoors = [
  door({
    name: 'chunks',
    numInputs: 2500,
    inputs: fc.tuple(
      vector,
      chunkBytes,
      fc.option(spoiling, { freq: 2 }),
      fc.constantFrom(...VALUE_TYPES),
    ),
    enter([unrounded, size, spoiling, type]) {
      const values = type === 'bf16' ? unrounded.map(roundToBfloat16) : unrounded;
      const chunks = [...cutVector(values, size, type)];
      const target = new Float32Array(values.length);
      const assembler = new ChunkAssembler(target, 'vector', type);
      for (const chunk of spoiling === null ? chunks : spoil(chunks, spoiling))
        assembler.add(chunk);
      assembler.finish();
      if (!target.every(Number.isFinite)) throw new Error('a value that is not finite came in');
      if (Buffer.compare(bytesOf(target), bytesOf(values)) !== 0)
        throw new Error('other bytes came');
    },
    refusals: ['CHUNK_CORRUPT', 'NON_FINITE'],
    least: { accepted: 0.2, refused: 0.3 },
  }),
  door({
    name: 'pieces of samples',
    numInputs: 1500,
    inputs: fc.tuple(fc.uint8Array({ maxLength: 80 }), chunkBytes, fc.nat(100), fc.nat(3)),
    enter([bytes, size, limit, wrong]) {
      const assembler = new SampleAssembler('sample', limit);
      for (const piece of cutPieces(bytes, size)) {
        const crc32 = wrong === 3 ? piece.crc32 + 1 : piece.crc32;
        const whole = assembler.add({ ...piece, crc32 });
        if (whole && Buffer.compare(whole, bytes) !== 0) throw new Error('other bytes came');
        if (whole && whole.length > limit) throw new Error('more than the limit came');
      }
    },
    refusals: ['CHUNK_CORRUPT'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
  door({
    name: 'rows of features',
    numInputs: 2000,
    inputs: fc.tuple(
      fc.array(fc.oneof(fc.nat(4), edge), { maxLength: 4 }),
      fc.array(fc.oneof(fc.nat(4), edge), { maxLength: 4 }),
      vector,
      fc.boolean(),
    ),
    enter([indices, others, values, isRight]) {
      const rows = isRight ? indices : others;
      const data = bytesOf(isRight ? values.slice(0, rows.length * 2) : values);
      const labels = isRight ? indices.map(() => 0) : others;
      const message = { indices, labels, data, crc32: crc32(data) };
      decodeFeatures(message, { width: 2, numSamples: 5 });
    },
    refusals: ['CHUNK_CORRUPT', 'NON_FINITE', 'MESSAGE_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
