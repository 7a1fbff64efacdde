/** @file The doors of files of tensors: safetensors, PyTorch's zip and legacy pickle, idx. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { IdxAssembler } from '../../shared/formats/idx.ts';
import { readPickle } from '../../shared/formats/pickle.ts';
import { isPth, readPth } from '../../shared/formats/pth.ts';
import { encodeSafetensors, readSafetensors } from '../../shared/formats/safetensors.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';
import { pickles, pthFiles } from './pickles.ts';

const fixture = (file: string) =>
  readFileSync(resolve(import.meta.dirname, '../fixtures/weights', file));
const f32 = (name: string, shape: number[]) => ({
  ...{ name, shape, dtype: 'F32' as const },
  bytes: new Uint8Array(4 * shape.reduce((product, side) => product * side, 1)),
});

const SAFETENSORS = [
  Buffer.concat(encodeSafetensors([])),
  Buffer.concat(encodeSafetensors([f32('a', [2, 3]), f32('b.weight', [4])], { format: 'pt' })),
];

/** Headers as JSON allows them: any key twice, any value anywhere. */
const headers = fc
  .tuple(fc.array(headerEntry(), { maxLength: 5 }), fc.nat(64))
  .map(([entries, dataBytes]) => {
    const json = Buffer.from(`{${entries.map(([key, value]) => `${key}:${value}`).join(',')}}`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
  });

function headerEntry() {
  const number = fc.oneof(fc.nat(64), fc.constantFrom(0, 4, 8, -1, 0.5, 2 ** 32, 2 ** 53, 1e308));
  const numbers = fc.array(number, { maxLength: 4 });
  const textless = { toString: 0, valueOf: 0 };
  const dtype = fc.oneof(fc.constantFrom('F32', 'F16', 'U8', 'F64', textless), fc.jsonValue());
  const place = fc.record(
    { dtype, shape: numbers, data_offsets: fc.tuple(number, number) },
    { requiredKeys: [] },
  );
  const key = fc.constantFrom('a', 'b', '__metadata__', '__proto__', '../../etc/passwd', '');
  const value = fc.oneof({ weight: 4, arbitrary: place }, fc.jsonValue());
  return fc.tuple(
    key.map((text) => JSON.stringify(text)),
    value.map((it) => JSON.stringify(it)),
  );
}

const PTH = [
  'timm.f16.pth',
  'strided.f32.pth',
  'timm.f16.legacy.pth',
  'refused-call.pth',
  'refused-call.legacy.pth',
].map(fixture);

const IDX = [Buffer.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9), idx3()];

function idx3(): Buffer {
  return Buffer.concat([
    Buffer.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3),
    Buffer.alloc(12),
  ]);
}

export const formatDoors = [
  door({
    name: 'safetensors',
    numInputs: 2000,
    inputs: fc.oneof(headers, mutated(SAFETENSORS, { changesMax: 3 }), noise),
    enter: readSafetensors,
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.05, refused: 0.3 },
  }),
  door({
    name: 'pth',
    numInputs: 800,
    inputs: mutated(PTH, { headBytes: 2000, changesMax: 3 }),
    enter: (bytes) => (isPth(bytes) ? readPth(bytes, crc32) : readSafetensors(bytes)),
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'tensors in a zip',
    numInputs: 1500,
    inputs: pthFiles,
    enter(bytes) {
      for (const [name, { shape, bytes: values }] of readPth(bytes, crc32).tensors) {
        const size = shape.reduce((product, side) => product * side, 1);
        if (size > 0 && values.length % size !== 0) throw new Error(`${name} lacks values`);
        if (values.length > Math.max(8 * size, bytes.length)) throw new Error(`${name} grew`);
      }
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.02, refused: 0.3 },
  }),
  door({
    name: 'pickle',
    numInputs: 3000,
    inputs: fc.oneof(pickles, noise),
    enter: readPickle,
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.03, refused: 0.3 },
  }),
  door({
    name: 'idx',
    numInputs: 1500,
    inputs: fc.oneof(mutated(IDX, { headBytes: 16 }), noise),
    enter: (bytes) => {
      const file = new IdxAssembler('file', 2 ** 20);
      for (let at = 0; at < bytes.length; at += 7) file.add(bytes.subarray(at, at + 7));
      return file.finish();
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.05, refused: 0.3 },
  }),
];
