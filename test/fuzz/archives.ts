/** @file The doors of archives: entries that lead elsewhere, lie about their size, come twice; tars and zips, changed. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { buildFolderAtomically } from '../../shared/files/files.ts';
import { type ArchiveKind, unpack } from '../../tools/downloads/unpack.ts';
import { type TarPart, tarGzOf, tarOf, type ZipPart, zipOf } from '../support/archives.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { scratchFolder } from './sandbox.ts';

/** What is built is below `inside`; `root` has what else there may be. */
const root = scratchFolder('archive');
const archive = join(root, 'set.archive');
const inside = join(root, 'data', 'set');

const LIMITS = { bytesMax: 100_000, entriesMax: 50, ratioMax: 100, ratioFreeBytes: 100_000 };

function bytesUnder(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce(
    (sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
}

async function unpackInside(kind: ArchiveKind, bytes: Buffer): Promise<void> {
  writeFileSync(archive, bytes);
  rmSync(join(root, 'data'), { recursive: true, force: true });
  const build = (folder: string) => unpack({ archive, kind, folder, limits: LIMITS });
  const failure = await buildFolderAtomically(inside, build).then(
    () => undefined,
    (error: unknown) => error,
  );
  const beside = [...readdirSync(root), ...readdirSync(join(root, 'data'))].join();
  if (beside !== `data,set.archive${failure === undefined ? ',set' : ''}`) {
    throw new Error(`there are ${beside}`);
  }
  if (existsSync(ELSEWHERE)) throw new Error(`${ELSEWHERE} was written`);
  if (failure !== undefined) throw failure;
  if (bytesUnder(inside) > LIMITS.bytesMax) throw new Error('more than the limit came out');
}

const ELSEWHERE = join(tmpdir(), `tessera-fuzz-elsewhere-${process.pid}`);
const name = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...['a', 'b/', 'c/d', 'e/f/g', './h', 'i//j', 'é', '._x', '.', 'k']),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['../a', '/etc/x', ELSEWHERE, 'a/../../b', 'C:\\x', '\\x', 'a\u0000b', '', '..'],
      'n'.repeat(300),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const content = fc.oneof(
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(90_000)),
);

const strangeZipPart: fc.Arbitrary<ZipPart> = fc.record(
  {
    name,
    content,
    mode: fc.constantFrom(0o100644, 0o120777, 0o040755, 0o060000, 0),
    claims: fc.constantFrom(0, 1, 30, 2 ** 32 - 1),
    crc32: fc.constantFrom(0, 1),
    flags: fc.constantFrom(0, 1),
    method: fc.constantFrom(0, 8, 12),
  },
  { requiredKeys: ['name'] },
);
const zipPart = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name, content }) },
  { weight: 1, arbitrary: strangeZipPart },
);
const ZIP = zipOf({ name: 'a/b', content: Buffer.from('hello') }, { name: 'c' });

const tarPart = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name, content }) },
  {
    weight: 1,
    arbitrary: fc.record({
      name,
      type: fc.constantFrom('symlink', 'link', 'directory', 'fifo', 'character-device'),
      linkname: fc.constantFrom('../../x', ELSEWHERE),
    }),
  },
) as fc.Arbitrary<TarPart>;
const TARS = [
  await tarOf({ name: 'a/b', content: 'hello' }, { name: 'c', content: '' }),
  await tarOf({ name: 'n'.repeat(200), content: 'long' }),
];
const TAR_GZ = await tarGzOf({ name: 'a', content: 'x'.repeat(5000) });

const of = (kind: ArchiveKind) => (bytes: Buffer) => ({ kind, bytes });

export const archiveDoors = [
  door({
    name: 'zip archives',
    numInputs: 100,
    inputs: fc.oneof(
      fc.array(zipPart, { maxLength: 4 }).map((parts) => zipOf(...parts)),
      mutated([ZIP], { changesMax: 3 }),
    ),
    enter: (bytes) => unpackInside('zip', bytes),
    refusals: ['DATA_INVALID', 'CANNOT_WRITE'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'tar archives',
    numInputs: 80,
    inputs: fc.oneof(
      fc.array(tarPart, { maxLength: 3 }).map((parts) => ({ kind: 'tar' as const, parts })),
      mutated(TARS, { changesMax: 3, headBytes: 512 }).map(of('tar')),
      mutated([TAR_GZ], { changesMax: 3 }).map(of('tar.gz')),
    ),
    enter: async ({ kind, ...given }) =>
      unpackInside(kind, 'bytes' in given ? given.bytes : await tarOf(...given.parts)),
    refusals: ['DATA_INVALID', 'CANNOT_WRITE'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
