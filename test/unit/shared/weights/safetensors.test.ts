/** @file The safetensors reader and writer against the reference library's files, and every refusal. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../../../shared/weights/formats/safetensors.ts';
import { float32Of } from '../../../../shared/weights/formats/tensor-values.ts';

const REPO = resolve(import.meta.dirname, '../../../..');
const PYTHON = readFileSync(join(REPO, 'test/fixtures/safetensors/python.safetensors'));
const SHARED = process.env['TESSERA_SHARED'] ?? join(REPO, '../shared');
const WEIGHTS = join(SHARED, 'weights/vit_tiny_patch16_224.f32.safetensors');
const weightsAreThere = existsSync(WEIGHTS);
if (!weightsAreThere) process.stderr.write(`skipped: real weights, there is no ${WEIGHTS}\n`);

/** A file with this header (an object, or JSON text) and so many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

/** A tensor to write, over these values. */
function tensor(name: string, values: Float32Array, shape: number[]): NamedTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype: 'F32', shape, bytes };
}

function entry(begin: number, end: number, dtype = 'F32', shape: unknown = [(end - begin) / 4]) {
  return { dtype, shape, data_offsets: [begin, end] };
}

function refusal(bytes: Uint8Array): TesseraError {
  try {
    readSafetensors(bytes);
  } catch (error) {
    if (error instanceof TesseraError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('a file of the reference library', () => {
  const { tensors, metadata } = readSafetensors(PYTHON);
  const values = [0, -0, 1, -2.5, 65504, 6e-8, Number.POSITIVE_INFINITY, 0.333251953125];

  it('has its names, shapes and metadata', () => {
    expect(metadata).toEqual({ format: 'pt', note: 'grün' });
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
      half: [2, 4],
      brain: [4, 2],
      single: [1, 2, 4],
      double: [8],
      scalar: [],
      empty: [0, 3],
      counts: [2],
    });
  });

  it.each([
    ['single', 2 ** -24, 0],
    ['half', 2 ** -11, 2 ** -25],
    ['brain', 2 ** -7, 0],
  ])('gives the values of %s as float32', (name, relative, absolute) => {
    const read = float32Of(tensors.get(name)!);
    values.forEach((value, i) => {
      if (!Number.isFinite(value) || value === 0) expect(read[i]).toBe(value);
      else
        expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual(
          Math.abs(value) * relative + absolute,
        );
    });
  });

  it('has scalars, empty tensors, and integers that are no floats', () => {
    expect(float32Of(tensors.get('scalar')!)).toEqual(Float32Array.of(3.5));
    expect(float32Of(tensors.get('empty')!)).toHaveLength(0);
    expect(() => float32Of(tensors.get('counts')!, 'counts')).toThrow(/"counts" has dtype I64/);
  });

  it('reads the same from any offset in memory', () => {
    for (let shift = 0; shift < 8; shift += 1) {
      const moved = Buffer.alloc(PYTHON.length + shift).subarray(shift);
      PYTHON.copy(moved);
      for (const [name, tensor] of readSafetensors(moved).tensors) {
        if (name === 'counts' || name === 'double') continue;
        expect(float32Of(tensor)).toEqual(float32Of(tensors.get(name)!));
      }
    }
  });
});

describe('what is written', () => {
  const flat = Float32Array.of(1, 2, 3, 4, 5, 6);
  const pieces = encodeSafetensors(
    [tensor('b', flat.subarray(0, 4), [2, 2]), tensor('a', flat.subarray(4), [2])],
    { step: '7' },
  );

  it('are views of the given vectors behind an aligned header', () => {
    expect(pieces).toHaveLength(3);
    expect(pieces[0]!.length % 8).toBe(0);
    expect(pieces.slice(1).map(({ buffer }) => buffer)).toEqual([flat.buffer, flat.buffer]);
  });

  it('is read back, without a copy', () => {
    const whole = new Uint8Array(Buffer.concat(pieces));
    const { tensors, metadata } = readSafetensors(whole);
    expect(metadata).toEqual({ step: '7' });
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect(float32Of(tensors.get('a')!)).toEqual(Float32Array.of(5, 6));
    expect(float32Of(tensors.get('a')!).buffer).toBe(whole.buffer);
  });

  it('never is a file that says something else than its tensors', () => {
    const one = tensor('a', flat, [6]);
    expect(() => encodeSafetensors([one, one])).toThrow(/INTERNAL.*"a"/);
    expect(() => encodeSafetensors([{ ...one, shape: [5] }])).toThrow(/INTERNAL.*"a"/);
  });
});

describe('a broken file is refused with DATA_INVALID', () => {
  const twice = `{"a":${JSON.stringify(entry(0, 4))},"\\u0061":${JSON.stringify(entry(4, 8))}}`;
  it.each<[string, Uint8Array, RegExp]>([
    ['no byte at all', new Uint8Array(0), /only 0 bytes/],
    [
      'a header longer than the file',
      fileOf({}, 0).subarray(0, 9),
      /states a header of 2 bytes where at most 1/,
    ],
    ['a header of 2^64 - 1 bytes', new Uint8Array(64).fill(255), /states a header/],
    ['a header of nothing', new Uint8Array(8), /not .*JSON/],
    ['a header that is an array', fileOf([], 0), /not .*JSON object/],
    ['a header that is not JSON', fileOf('{"a":', 0), /not .*JSON/],
    ['a header that is not UTF-8', fileOf('{"a":1}', 0).fill(0xff, 10, 11), /not .*JSON/],
    ['a tensor that is no object', fileOf({ a: 3 }, 0), /"a"/],
    ['a shape that is no list', fileOf({ a: entry(0, 8, 'F32', 2) }, 8), /"a"/],
    ['a negative size', fileOf({ a: entry(0, 8, 'F32', [-2]) }, 8), /"a"/],
    ['a fractional size', fileOf({ a: entry(0, 8, 'F32', [2.5]) }, 8), /"a"/],
    ['three offsets', fileOf({ a: { ...entry(0, 8), data_offsets: [0, 8, 8] } }, 8), /"a"/],
    ['an unknown dtype', fileOf({ a: entry(0, 8, 'F33') }, 8), /"a".*F33/],
    ['a dtype of Object', fileOf({ a: entry(0, 8, 'constructor') }, 8), /"a".*constructor/],
    [
      'bytes that do not fit the shape',
      fileOf({ a: entry(0, 8, 'F32', [3]) }, 8),
      /"a" has 8 bytes/,
    ],
    ['a shape beyond 2^53', fileOf({ a: entry(0, 8, 'F32', [2 ** 50, 2 ** 50]) }, 8), /"a"/],
    ['an end before the beginning', fileOf({ a: entry(8, 0, 'F32', []) }, 8), /"a"/],
    [
      'a hole',
      fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12),
      /"b" begins at 8, the data before it ends at 4/,
    ],
    [
      'an overlap',
      fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12),
      /"b" begins at 4, the data before it ends at 8/,
    ],
    [
      'a tensor past the end',
      fileOf({ a: entry(0, 8), b: entry(8, 16) }, 12),
      /"b" lies at 8 to 16, the file has 12/,
    ],
    ['bytes after the last tensor', fileOf({ a: entry(0, 8) }, 9), /1 bytes behind its last/],
    ['two tensors of one name', fileOf(twice, 8), /"a" begins at 4/],
    ['metadata that is no map', fileOf({ __metadata__: [] }, 0), /metadata/],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }, 0), /metadata "a"/],
  ])('%s', (_, bytes, sentence) => {
    const error = refusal(bytes);
    expect(error.code).toBe('DATA_INVALID');
    expect(error.sentence).toMatch(/^the safetensors file /);
    expect(error.sentence).toMatch(sentence);
  });
});

describe.skipIf(!weightsAreThere)('the real ViT-Ti/16 weights', () => {
  it('are 5,717,416 finite values', () => {
    const { tensors } = readSafetensors(readFileSync(WEIGHTS));
    let count = 0;
    for (const [name, tensor] of tensors) {
      const values = float32Of(tensor, name);
      count += values.length;
      expect(values.every(Number.isFinite)).toBe(true);
    }
    expect(count).toBe(5_717_416);
    expect(tensors.get('blocks.0.attn.qkv.weight')?.shape).toEqual([576, 192]);
  });
});
