/** @file The doors of data sets: idx files in their folder, gzipped or not, and what a published archive holds. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { openIdx } from '../../shared/data/sets/idx.ts';
import { openImageFolder } from '../../shared/data/sets/image-folder.ts';
import { buildFolderAtomically } from '../../shared/files/files.ts';
import { arrangeCifar10, arrangeFood101 } from '../../tools/downloads/arrange.ts';
import { idxBytes } from '../support/idx-bytes.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { scratchFolder } from './sandbox.ts';

const root = scratchFolder('data');
const idx = join(root, 'idx');
mkdirSync(idx);

const images = (count: number) => idxBytes([count, 2, 3], Buffer.alloc(6 * count, 9));
const labels = (count: number) =>
  idxBytes(
    [count],
    Array.from({ length: count }, (_, at) => at % 2),
  );

/** A file as it should be, mostly; its packed form may be damaged, cut, or followed by another. */
function packed(good: Buffer): fc.Arbitrary<{ gz: boolean; bytes: Buffer }> {
  const inner = fc.oneof(
    { weight: 5, arbitrary: fc.constant(good) },
    { weight: 1, arbitrary: mutated([good], { changesMax: 1, headBytes: 16 }) },
  );
  const gzipped = inner.chain((bytes) => {
    const whole = gzipSync(bytes);
    const strange = [Buffer.concat([whole, whole]), gzipSync(whole), whole.subarray(0, -4)];
    return fc.oneof(
      { weight: 6, arbitrary: fc.constant(whole) },
      { weight: 1, arbitrary: mutated([whole], { changesMax: 1, headBytes: 10 }) },
      { weight: 1, arbitrary: fc.constantFrom(...strange) },
    );
  });
  return fc.oneof(
    inner.map((bytes) => ({ gz: false, bytes })),
    gzipped.map((bytes) => ({ gz: true, bytes })),
  );
}
const FILES = {
  'train-images-idx3-ubyte': images(4),
  'train-labels-idx1-ubyte': labels(4),
  't10k-images-idx3-ubyte': images(2),
  't10k-labels-idx1-ubyte': labels(2),
};
const idxFolder = fc.tuple(
  ...Object.entries(FILES).map(([name, good]) => packed(good).map((it) => ({ name, ...it }))),
);

const cifarNames = fc.oneof(
  { weight: 4, arbitrary: fc.constant('cat\ndog\n') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '../x\ndog',
      '/x',
      'a/b\n..',
      'x'.repeat(400),
      '\u001b[2J\nb',
      'cat',
    ),
  },
);
const RECORDS = Buffer.concat([Buffer.alloc(3073, 0), Buffer.alloc(3073, 1)]);
const cifarFile = fc.oneof(
  { weight: 3, arbitrary: fc.constant(RECORDS) },
  { weight: 1, arbitrary: mutated([RECORDS], { changesMax: 1, headBytes: 1 }) },
);
const strangeLine = fc.constantFrom(
  ...['../x/1', 'pizza/../../x', '/etc/x', 'a/b/c', 'pizza', '\u0000/1', '.', './x', 'pizza/1'],
  ...['', 'pizza//1', 'sushi/2', `${'n'.repeat(300)}/1`],
);
const food = (line: string) =>
  fc.option(strangeLine, { freq: 2 }).map((strange) => [line, strange ?? '']);

/** Builds a set out of files, as `tessera get` does; what it builds must be a set, and lie in its folder. */
async function arranged(
  files: Readonly<Record<string, Buffer | string>>,
  arrange: typeof arrangeCifar10,
): Promise<void> {
  const from = join(root, 'from');
  for (const name of ['from', 'to']) rmSync(join(root, name), { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(from, name)), { recursive: true });
    writeFileSync(join(from, name), content);
  }
  const target = join(root, 'to');
  await buildFolderAtomically(target, (to) => arrange({ from, to })).finally(() => {
    const beside = readdirSync(root).filter((name) => !['from', 'idx', 'to'].includes(name));
    if (beside.length > 0) throw new Error(`there are ${beside}`);
  });
  if (existsSync(target)) await openImageFolder(target);
}

export const dataDoors = [
  door({
    name: 'idx folders',
    numInputs: 150,
    inputs: idxFolder,
    async enter(files) {
      for (const name of readdirSync(idx)) rmSync(join(idx, name));
      for (const { name, gz, bytes } of files) {
        writeFileSync(join(idx, `${name}${gz ? '.gz' : ''}`), bytes);
      }
      const { train } = await openIdx(idx);
      for (let at = 0; at < train.labels.length; at += 1) await train.image(at);
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'CIFAR-10 files',
    numInputs: 30,
    inputs: fc.tuple(cifarNames, cifarFile, cifarFile),
    enter: ([names, train, test]) =>
      arranged(
        { 'batches.meta.txt': names, 'data_batch_1.bin': train, 'test_batch.bin': test },
        arrangeCifar10,
      ),
    refusals: ['DATA_INVALID', 'CANNOT_WRITE'],
    least: { accepted: 0.1, refused: 0.2 },
  }),
  door({
    name: 'Food-101 lists',
    numInputs: 30,
    inputs: fc.tuple(food('pizza/1'), food('pizza/3')),
    enter: ([train, test]) =>
      arranged(
        {
          ...{ 'images/pizza/1.jpg': 'x', 'images/sushi/2.jpg': 'x', 'images/pizza/3.jpg': 'x' },
          ...{ 'meta/train.txt': train.join('\n'), 'meta/test.txt': test.join('\r\n') },
        },
        arrangeFood101,
      ),
    refusals: ['DATA_INVALID', 'CANNOT_WRITE'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
