/** @file The doors of files of tensors: safetensors, PyTorch's zip and legacy pickle, idx. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { IdxAssembler } from '../../shared/data/sets/idx-format.ts';
import { readPickle } from '../../shared/weights/formats/pickle.ts';
import { isPth, readPth } from '../../shared/weights/formats/pth.ts';
import { encodeSafetensors, readSafetensors } from '../../shared/weights/formats/safetensors.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';
import { changed } from './json.ts';
import { allowed, forbiddenPickles, pickles, pthFiles, wholePickles } from './pickles.ts';

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
  .map(([entries, dataBytes]) =>
    withHeader(`{${entries.map(([key, value]) => `${key}:${value}`).join(',')}}`, dataBytes),
  );

/** Tensors side by side, which share bytes or leave some out when one of them is moved. */
const LAYOUT = {
  __metadata__: { format: 'pt' },
  a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
  c: { dtype: 'U8', shape: [8, 1], data_offsets: [32, 40] },
};
const moved = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(-8, 0, 8), fc.constantFrom(-8, 8, 0))
  .map(([name, first, second]) => {
    const layout = structuredClone(LAYOUT);
    const { data_offsets: offsets } = layout[name as 'a'];
    layout[name as 'a'].data_offsets = [(offsets[0] ?? 0) + first, (offsets[1] ?? 0) + second];
    return layout as unknown;
  });
const layouts = fc
  .tuple(fc.oneof(changed(LAYOUT, { changesMax: 1 }), moved), fc.constantFrom(40, 40, 40, 32, 48))
  .map(([layout, dataBytes]) => withHeader(JSON.stringify(layout) ?? '', dataBytes));

function withHeader(text: string, dataBytes: number): Buffer {
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

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

/** All tensors of a file, read as far as they are when weights are loaded. */
function tensorsOf(bytes: Uint8Array) {
  const { groups } = readPth(bytes);
  return groups.flatMap(({ tensors }) =>
    [...tensors].map(
      ([name, { shape, bytes: values }]) => [name, { shape, bytes: values }] as const,
    ),
  );
}

/** A header whose sizes are those of the file, or nearly. */
const sizedIdx = fc
  .tuple(fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }), fc.constantFrom(0, 0, 0, 1, -1))
  .map(([sizes, more]) => {
    const elements = sizes.reduce((product, size) => product * size, 1);
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.set([0, 0, 8, sizes.length]);
    for (const [at, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * at);
    return Buffer.concat([header, Buffer.alloc(Math.max(0, elements + more))]);
  });
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
    inputs: fc.oneof(
      { weight: 3, arbitrary: layouts },
      { weight: 3, arbitrary: headers },
      { weight: 3, arbitrary: mutated(SAFETENSORS, { changesMax: 3 }) },
      { weight: 1, arbitrary: noise },
    ),
    enter(bytes) {
      const { tensors } = readSafetensors(bytes);
      const places = [...tensors.values()].map(({ bytes: { byteOffset, length } }) => {
        return [byteOffset - bytes.byteOffset, length] as const;
      });
      const headerBytes = bytes.readUInt32LE(0);
      let end = 8 + headerBytes;
      for (const [begin, length] of places.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
        if (begin !== end) throw new Error('tensors share bytes, or leave some out');
        end += length;
      }
      if (end !== bytes.length) throw new Error('bytes are left over');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.08, refused: 0.3 },
  }),
  door({
    name: 'pth',
    numInputs: 500,
    inputs: mutated(PTH, { headBytes: 2000, changesMax: 3 }),
    enter: (bytes) => (isPth(bytes) ? tensorsOf(bytes) : readSafetensors(bytes)),
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'tensors in a zip',
    numInputs: 800,
    inputs: pthFiles,
    enter(bytes) {
      for (const [name, { shape, bytes: values }] of tensorsOf(bytes)) {
        const size = shape.reduce((product, side) => product * side, 1);
        if (size > 0 && values.length % size !== 0) throw new Error(`${name} lacks values`);
        if (values.length > Math.max(8 * size, bytes.length)) throw new Error(`${name} grew`);
      }
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.15, refused: 0.3 },
  }),
  door({
    name: 'pickle',
    numInputs: 2500,
    inputs: fc.oneof(
      { weight: 4, arbitrary: wholePickles },
      { weight: 1, arbitrary: forbiddenPickles },
      { weight: 4, arbitrary: pickles.map(allowed) },
      { weight: 1, arbitrary: noise.map(allowed) },
    ),
    enter({ bytes, isForbidden }) {
      const { value } = readPickle(bytes);
      if (isForbidden) throw new Error('what would start a program was passed over');
      const { name } = Object(value);
      if (/^os\./.test(name)) throw new Error(`it may name ${name}`);
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.2, refused: 0.3 },
  }),
  door({
    name: 'idx',
    numInputs: 1500,
    inputs: fc.oneof(sizedIdx, mutated(IDX, { headBytes: 16, changesMax: 3 }), noise),
    enter(bytes) {
      const file = new IdxAssembler('file', 2 ** 20);
      for (let at = 0; at < bytes.length; at += 7) file.add(bytes.subarray(at, at + 7));
      const { shape, data } = file.finish();
      const elements = shape.reduce((product, size) => product * size, 1);
      if (data.length !== elements) throw new Error('its shape is of another size');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.2, refused: 0.3 },
  }),
];
