import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  ChunkAssembler,
  type ChunkPiece,
  cutChunks,
  cutPieces,
  cutVector,
  SampleAssembler,
} from '../../shared/contract/chunks.ts';
import { roundToBfloat16 } from '../../shared/kernels/bfloat16.ts';

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const vectors = fc
  .array(finite, { minLength: 1, maxLength: 200 })
  .map((values) => Float32Array.from(values));
const chunkSizes = fc.integer({ min: 1, max: 300 });

function assemble(target: Float32Array, chunks: Iterable<ChunkPiece>): Float32Array {
  const assembler = new ChunkAssembler(target, 'vector');
  for (const chunk of chunks) assembler.add(chunk);
  return assembler.finish();
}

/** The same bytes at another alignment, as a transport hands them out. */
function misaligned(data: Uint8Array, shift: number): Uint8Array {
  const moved = new Uint8Array(data.byteLength + shift).subarray(shift);
  moved.set(data);
  return moved;
}

describe('a vector cut into chunks', () => {
  it('comes back bit for bit, whatever the chunk size and alignment', () => {
    fc.assert(
      fc.property(vectors, chunkSizes, fc.nat(7), (vector, chunkBytes, shift) => {
        const chunks = [...cutChunks(bytesOf(vector), chunkBytes)].map((chunk) => ({
          ...chunk,
          data: misaligned(chunk.data, shift),
        }));
        const back = assemble(new Float32Array(vector.length), chunks);
        expect(bytesOf(back)).toEqual(bytesOf(vector));
      }),
    );
  });

  it('is cut without copying, into chunks that cover it once', () => {
    fc.assert(
      fc.property(vectors, chunkSizes, (vector, chunkBytes) => {
        let next = 0;
        for (const { offset, totalBytes, data } of cutChunks(bytesOf(vector), chunkBytes)) {
          expect(data.buffer).toBe(vector.buffer);
          expect([offset, totalBytes]).toEqual([next, vector.byteLength]);
          expect(data.byteLength).toBeLessThanOrEqual(chunkBytes);
          next += data.byteLength;
        }
        expect(next).toBe(vector.byteLength);
      }),
    );
  });

  it('may be a part of a larger buffer', () => {
    fc.assert(
      fc.property(vectors, chunkSizes, (vector, chunkBytes) => {
        const source = new Float32Array(vector.length + 5).subarray(3, -2);
        source.set(vector);
        const store = new Float32Array(vector.length + 9).fill(7);
        const target = store.subarray(4, -5);
        assemble(target, cutChunks(bytesOf(source), chunkBytes));
        expect(bytesOf(target)).toEqual(bytesOf(vector));
        expect([...store.subarray(0, 4), ...store.subarray(-5)]).toEqual(Array(9).fill(7));
      }),
    );
  });
});

describe('a vector cut into chunks of bfloat16', () => {
  const unrounded = fc
    .array(fc.float({ noNaN: true, max: Math.fround(3e38), min: Math.fround(-3e38) }), {
      maxLength: 200,
    })
    .map((values) => Float32Array.from(values));

  it('comes back rounded, in half the bytes, and into a part of a larger buffer', () => {
    fc.assert(
      fc.property(unrounded, chunkSizes, fc.nat(7), (vector, chunkBytes, shift) => {
        const chunks = [...cutVector(vector, chunkBytes, 'bf16')];
        const store = new Float32Array(vector.length + 9).fill(7);
        const assembler = new ChunkAssembler(store.subarray(4, -5), 'vector', 'bf16');
        for (const chunk of chunks) {
          expect(chunk.data.byteLength).toBeLessThanOrEqual(Math.max(2, chunkBytes));
          assembler.add({ ...chunk, data: misaligned(chunk.data, shift) });
        }
        const back = assembler.finish();
        expect(bytesOf(back)).toEqual(bytesOf(vector.map(roundToBfloat16)));
        expect([...store.subarray(0, 4), ...store.subarray(-5)]).toEqual(Array(9).fill(7));
        const numBytes = chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
        expect(numBytes).toBe(2 * vector.length);
      }),
    );
  });

  it('may be cut within a value; what is not finite once it is widened, and other types, are refused', () => {
    const vector = Float32Array.of(1, -2.5, 3e38, 0.1);
    const bytes = new Uint8Array([...cutVector(vector, 100, 'bf16')][0]!.data);
    const add = (data: Uint8Array, type: 'f32' | 'bf16') => {
      const assembler = new ChunkAssembler(new Float32Array(4), 'vector', type);
      for (const chunk of cutChunks(data, 3)) assembler.add(chunk);
      return assembler.finish();
    };
    expect(add(bytes, 'bf16')).toEqual(vector.map(roundToBfloat16));
    expect(() => add(bytes, 'f32')).toThrow(/8 bytes announced, 16 expected/);
    expect(() => add(bytesOf(vector), 'bf16')).toThrow(/16 bytes announced, 8 expected/);
    // Larger than any finite bfloat16.
    const huge = [...cutVector(Float32Array.of(0, 3.4e38, 0, 0), 100, 'bf16')][0]!;
    expect(() => add(huge.data, 'bf16')).toThrow(/value 1 is Infinity/);
  });
});

/** One way to spoil a sequence of chunks; `at` picks the chunk, `by` how far. */
type Spoiler = (chunks: ChunkPiece[], at: number, by: number) => ChunkPiece[];

const change = (chunks: ChunkPiece[], at: number, edit: (chunk: ChunkPiece) => ChunkPiece) =>
  chunks.map((chunk, index) => (index === at ? edit(chunk) : chunk));

const SPOILERS: Readonly<Record<string, Spoiler>> = {
  'a chunk is missing': (chunks, at) => chunks.toSpliced(at, 1),
  'a chunk comes twice': (chunks, at) => chunks.toSpliced(at, 0, chunks[at]!),
  'a gap before a chunk': (chunks, at, by) =>
    change(chunks, at, (chunk) => ({ ...chunk, offset: chunk.offset + by })),
  'an overlap with the chunk before': (chunks, at, by) =>
    change(chunks, at, (chunk) => ({ ...chunk, offset: chunk.offset - by })),
  'an offset that is no integer': (chunks, at) =>
    change(chunks, at, (chunk) => ({ ...chunk, offset: chunk.offset + 0.5 })),
  'a larger total': (chunks, at, by) =>
    change(chunks, at, (chunk) => ({ ...chunk, totalBytes: chunk.totalBytes + by })),
  'a smaller total': (chunks, at, by) =>
    change(chunks, at, (chunk) => ({ ...chunk, totalBytes: chunk.totalBytes - by })),
  'a huge total': (chunks, at) =>
    change(chunks, at, (chunk) => ({ ...chunk, totalBytes: Number.MAX_VALUE })),
  'a wrong checksum': (chunks, at, by) =>
    change(chunks, at, (chunk) => ({ ...chunk, crc32: (chunk.crc32 ^ by) >>> 0 })),
  'a flipped bit': (chunks, at, by) =>
    change(chunks, at, (chunk) => {
      const data = chunk.data.slice();
      data[by % data.length]! ^= 1 << (by % 8);
      return { ...chunk, data };
    }),
  'an empty chunk': (chunks, at) =>
    chunks.toSpliced(at, 0, { ...chunks[at]!, data: new Uint8Array(0), crc32: 0 }),
  'data beyond the end': (chunks, at, by) =>
    change(chunks, at, (chunk) => {
      const data = new Uint8Array(chunk.totalBytes - chunk.offset + by);
      return { ...chunk, data, crc32: crc32(data) };
    }),
};

describe('a hostile sequence of chunks', () => {
  it.each(Object.entries(SPOILERS))('is refused when there is %s', (_, spoil) => {
    fc.assert(
      fc.property(vectors, chunkSizes, fc.nat(), fc.nat(1000), (vector, chunkBytes, at, by) => {
        const chunks = [...cutChunks(bytesOf(vector), chunkBytes)];
        const spoiled = spoil(chunks, at % chunks.length, by + 1);
        const store = new Float32Array(vector.length + 2).fill(7);
        expect(() => assemble(store.subarray(1, -1), spoiled)).toThrow(/^\[CHUNK_CORRUPT\] vector/);
        expect([store[0], store.at(-1)]).toEqual([7, 7]);
      }),
    );
  });

  it('is refused when any two chunks are swapped', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 1, max: 3 }), fc.nat(), (vector, chunkBytes, at) => {
        const chunks = [...cutChunks(bytesOf(vector), chunkBytes)];
        const first = at % (chunks.length - 1);
        const swapped = chunks.toSpliced(first, 2, chunks[first + 1]!, chunks[first]!);
        expect(() => assemble(new Float32Array(vector.length), swapped)).toThrow(/CHUNK_CORRUPT/);
      }),
    );
  });

  it('is refused when a value is not finite, wherever the cuts are', () => {
    const poison = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    fc.assert(
      fc.property(vectors, chunkSizes, fc.nat(), poison, (vector, chunkBytes, at, value) => {
        vector[at % vector.length] = value;
        expect(() =>
          assemble(new Float32Array(vector.length), cutChunks(bytesOf(vector), chunkBytes)),
        ).toThrow(`[NON_FINITE] vector: value ${at % vector.length} is ${value}`);
      }),
    );
  });

  it('with every bit pattern of an exponent of ones is not finite, and with every other is', () => {
    fc.assert(
      fc.property(fc.integer(), (bits) => {
        const vector = new Float32Array(new Int32Array([bits]).buffer);
        const add = () => assemble(new Float32Array(1), cutChunks(bytesOf(vector), 4));
        if (Number.isFinite(vector[0])) expect(add).not.toThrow();
        else expect(add).toThrow(/NON_FINITE/);
      }),
    );
  });
});

describe('a sample cut into pieces', () => {
  const samples = fc.uint8Array({ maxLength: 500 });

  it('comes back whole, with the last piece', () => {
    fc.assert(
      fc.property(samples, chunkSizes, (bytes, pieceBytes) => {
        const assembler = new SampleAssembler('sample', 500);
        const results = [...cutPieces(bytes, pieceBytes)].map((piece) => assembler.add(piece));
        expect(results.slice(0, -1).every((result) => result === undefined)).toBe(true);
        expect([...results.at(-1)!]).toEqual([...bytes]);
      }),
    );
  });

  it('is refused when it grows beyond its limit, or a checksum is wrong', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), chunkSizes, (bytes, size) => {
        const add = (limit: number, crcChange: number) => () => {
          const assembler = new SampleAssembler('sample', limit);
          for (const piece of cutPieces(bytes, size)) {
            assembler.add({ ...piece, crc32: (piece.crc32 ^ crcChange) >>> 0 });
          }
        };
        expect(add(bytes.length, 0)).not.toThrow();
        expect(add(bytes.length - 1, 0)).toThrow(/CHUNK_CORRUPT/);
        expect(add(bytes.length, 1)).toThrow(/CHUNK_CORRUPT/);
      }),
    );
  });
});
