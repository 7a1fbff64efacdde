/** @file The doors of NumPy's archives in JAX's names, and of files that are no weights. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { fileKind } from '../../shared/weights/files/file-kind.ts';
import { isNpz, readNpz } from '../../shared/weights/formats/npy.ts';
import { readZip } from '../../shared/weights/formats/zip.ts';
import { fromJax } from '../../shared/weights/names/jax.ts';
import { type ZipPart, zipOf } from '../support/archives.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';

function entriesOf(file: string): ZipPart[] {
  const bytes = readFileSync(resolve(import.meta.dirname, '../fixtures/weights/others', file));
  return [...readZip(bytes)].map(([name, content]) => ({
    name,
    content: Buffer.from(content()),
  }));
}

const ENTRIES = entriesOf('augreg.npz');
const BIG_VISION = entriesOf('big-vision.npz');

const side = fc.constantFrom(
  '0',
  '1',
  '2',
  '3',
  '4',
  '16',
  '1000',
  '4294967296',
  '9007199254740993',
);
/** A description of an array, mostly one that could be. */
const description = fc
  .tuple(
    fc.constantFrom('<f4', '<f4', '<f4', '<f2', '>f4', '|V2', '|O', '<U9', '__import__("os")'),
    fc.constantFrom('False', 'False', 'True', 'None', 'exit()'),
    fc.array(side, { maxLength: 4 }),
    fc.constantFrom(64, 64, 0, 128),
  )
  .map(([descr, order, shape, size]) => {
    const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape.join(', ')},), }\n`;
    const head = Buffer.from(`\x93NUMPY\x01\0\0\0${text}`, 'latin1');
    head.writeUInt16LE(text.length, 8);
    return Buffer.concat([head, Buffer.alloc(size)]);
  });
const bytes = fc.oneof(
  { weight: 3, arbitrary: description },
  {
    weight: 2,
    arbitrary: mutated(
      ENTRIES.map(({ content = Buffer.alloc(0) }) => content),
      { headBytes: 128, changesMax: 2 },
    ),
  },
  { weight: 1, arbitrary: noise },
);
/** An archive with one array replaced, under its own name or that of another. */
const archives = fc
  .tuple(
    fc.constantFrom(ENTRIES, BIG_VISION),
    fc.nat(100),
    fc.option(bytes, { freq: 3 }),
    fc.constantFrom(undefined, undefined, 'params/embedding/kernel.npy', '__proto__.npy', '.npy'),
  )
  .map(([entries, at, content, name]) => {
    const place = at % entries.length;
    const entry = entries[place] ?? { name: 'a.npy', content: Buffer.alloc(0) };
    const other = {
      name: name ?? entry.name,
      content: content ?? entry.content ?? Buffer.alloc(0),
    };
    return zipOf(...entries.toSpliced(place, 1, other));
  });

export const arrayDoors = [
  door({
    name: 'arrays of NumPy',
    numInputs: 250,
    inputs: archives,
    enter(archive) {
      const entries = readZip(archive);
      if (!isNpz(entries)) return;
      const { tensors } = readNpz(entries);
      for (const [name, { shape, bytes: values }] of (fromJax(tensors) ?? { tensors }).tensors) {
        const size = shape.reduce((product, length) => product * length, 1);
        if (size > 0 && values.length % size !== 0) throw new Error(`${name} lacks values`);
        if (values.length > 64 * archive.length) throw new Error(`${name} grew`);
      }
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH'],
    least: { accepted: 0.15, refused: 0.2 },
  }),
  door({
    name: 'kinds of files',
    numInputs: 300,
    inputs: fc.oneof(
      noise,
      fc.string({ maxLength: 600 }).map((text) => Buffer.from(text)),
    ),
    enter(head) {
      const { what = '' } = fileKind(head) ?? {};
      if (what.length > 200) throw new Error('a kind is a few words');
    },
    refusals: [],
    least: { accepted: 1, refused: 0 },
  }),
];
