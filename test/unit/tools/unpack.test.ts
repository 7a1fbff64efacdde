/** @file Archives are unpacked below their folder, or not at all. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { buildFolderAtomically } from '../../../shared/files/files.ts';
import { type ArchiveKind, type UnpackLimits, unpack } from '../../../tools/downloads/unpack.ts';
import { tarGzOf, tarOf, zipOf } from '../../support/archives.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-unpack-'));
afterAll(() => rmSync(root, { recursive: true }));

let at = '';
beforeEach(() => {
  at = mkdtempSync(join(root, 'case-'));
});

/** Unpacks bytes as `data get` does; answers the folder. */
async function unpacked(kind: ArchiveKind, bytes: Buffer, limits?: Partial<UnpackLimits>) {
  const archive = join(at, `archive.${kind}`);
  const folder = join(at, 'out');
  writeFileSync(archive, bytes);
  await buildFolderAtomically(folder, (temporary) =>
    unpack({ archive, kind, folder: temporary, ...(limits !== undefined && { limits }) }),
  );
  return folder;
}

/** What is there after a refusal: the archive, and nothing else. */
async function refused(kind: ArchiveKind, bytes: Buffer, limits?: Partial<UnpackLimits>) {
  const error = await unpacked(kind, bytes, limits).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'DATA_INVALID' });
  expect(readdirSync(at)).toEqual([`archive.${kind}`]);
  return (error as Error).message;
}

const text = Buffer.from('hello '.repeat(1000));

describe('an archive', () => {
  it('in zip is unpacked with its folders, without what a Mac adds', async () => {
    const folder = await unpacked(
      'zip',
      zipOf(
        { name: 'train/', mode: 0o040755 },
        { name: 'train/pizza/1.jpg', content: text },
        { name: './test/pizza/2.jpg', content: Buffer.from('two') },
        { name: '__MACOSX/train/._1.jpg', content: text },
        { name: 'train/.DS_Store', content: text },
      ),
    );
    expect(readFileSync(join(folder, 'train/pizza/1.jpg')).equals(text)).toBe(true);
    expect(readFileSync(join(folder, 'test/pizza/2.jpg'), 'utf8')).toBe('two');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(
      [
        'test',
        'test/pizza',
        'test/pizza/2.jpg',
        'train',
        'train/pizza',
        'train/pizza/1.jpg',
      ].sort(),
    );
  });

  it.each(['tar', 'tar.gz'] as const)('in %s is unpacked with its folders', async (kind) => {
    const parts = [
      { name: 'set/', type: 'directory' as const },
      { name: 'set/a.txt', content: 'a' },
      { name: `set/${'long'.repeat(40)}/b.txt`, content: text },
    ];
    const folder = await unpacked(
      kind,
      kind === 'tar' ? await tarOf(...parts) : await tarGzOf(...parts),
    );
    expect(readFileSync(join(folder, 'set/a.txt'), 'utf8')).toBe('a');
    expect(readFileSync(join(folder, `set/${'long'.repeat(40)}/b.txt`)).equals(text)).toBe(true);
  });

  it('in gz is one file of its name', async () => {
    const folder = await unpacked('gz', gzipSync(text));
    expect(readFileSync(join(folder, 'archive')).equals(text)).toBe(true);
  });
});

const HOSTILE = [
  ['../outside.txt', 'leads out of the folder'],
  ['a/../../outside.txt', 'leads out of the folder'],
  ['a/..', 'leads out of the folder'],
  ['..\\outside.txt', 'leads out of the folder'],
  ['/etc/outside.txt', 'absolute path'],
  ['\\outside.txt', 'absolute path'],
  ['C:/outside.txt', 'drive letter'],
  ['a/b:stream', 'backslash or a colon'],
  ['a\nb.txt', 'control character'],
  ['x'.repeat(1025), 'too long'],
] as const;

describe('an entry', () => {
  it.each(HOSTILE)('called %j is refused by name: %s', async (name, reason) => {
    const honest = { name: 'a.txt', content: text };
    const zip = zipOf(honest, { name, content: text });
    const tar = await tarOf(honest, { name, content: text });
    for (const [kind, bytes] of [
      ['zip', zip],
      ['tar', tar],
    ] as const) {
      const message = await refused(kind, bytes);
      expect(message).toContain(reason);
      expect(message).toContain(JSON.stringify(name));
      rmSync(join(at, `archive.${kind}`));
    }
    expect(existsSync(join(at, '..', 'outside.txt'))).toBe(false);
  });

  it('with a NUL in its name is refused', async () => {
    expect(await refused('zip', zipOf({ name: 'a.jpg\0.txt' }))).toContain('control character');
  });

  it.each([
    [0o120777, 'symbolic link'],
    [0o060644, 'block device'],
    [0o020644, 'character device'],
    [0o010644, 'pipe'],
  ])('of a zip with mode %o is refused: a %s', async (mode, what) => {
    const message = await refused('zip', zipOf({ name: 'x', content: Buffer.from('/etc'), mode }));
    expect(message).toContain(what);
  });

  it.each(['symlink', 'link', 'fifo', 'character-device', 'block-device'] as const)(
    'of a tar that is a %s is refused',
    async (type) => {
      const tar = await tarOf(
        { name: 'x', type, linkname: '/etc' },
        { name: 'x/passwd', content: 'y' },
      );
      expect(await refused('tar', tar)).toContain(`"x" is a ${type}`);
    },
  );

  it('that is there twice is refused, as is a file where a folder is', async () => {
    const twice = { name: 'a.txt', content: text };
    expect(await refused('zip', zipOf(twice, twice))).toContain('occurs twice');
    rmSync(join(at, 'archive.zip'));
    expect(await refused('tar', await tarOf(twice, { name: './a.txt', content: text }))).toContain(
      'occurs twice',
    );
    rmSync(join(at, 'archive.tar'));
    expect(await refused('zip', zipOf(twice, { name: 'a.txt/b', content: text }))).toContain(
      'occurs twice',
    );
  });

  it('that is encrypted or packed in another way is refused', async () => {
    expect(await refused('zip', zipOf({ name: 'a', content: text, flags: 1 }))).toContain(
      'encrypted',
    );
    rmSync(join(at, 'archive.zip'));
    expect(await refused('zip', zipOf({ name: 'a', content: text, method: 14 }))).toContain(
      'method 14',
    );
  });
});

describe('a damaged archive', () => {
  const zip = zipOf({ name: 'a.txt', content: text });

  it.each([
    ['without its end', zip.subarray(0, zip.length - 10)],
    ['of one byte', Buffer.from('P')],
    ['of nothing', Buffer.alloc(0)],
    ['with another checksum', zipOf({ name: 'a.txt', content: text, crc32: 1 })],
    ['with another size', zipOf({ name: 'a.txt', content: text, claims: 5 })],
    [
      'with a directory of noise',
      Buffer.concat([zip.subarray(0, zip.length - 60), Buffer.alloc(38, 7), zip.subarray(-22)]),
    ],
  ])('in zip, %s, is refused', async (_what, bytes) => {
    expect(await refused('zip', bytes)).toMatch(/archive\.zip cannot be unpacked/);
  });

  it('in tar.gz, cut short or no gzip, is refused', async () => {
    const tar = await tarGzOf({ name: 'a.txt', content: text });
    expect(await refused('tar.gz', tar.subarray(0, tar.length - 20))).toContain(
      'cannot be unpacked',
    );
    expect(await refused('tar.gz', Buffer.from('<html>not found</html>'))).toContain(
      'cannot be unpacked',
    );
  });
});

describe('a bomb', () => {
  const zeros = Buffer.alloc(1_000_000);
  const limits = { ratioMax: 10, ratioFreeBytes: 1000 };

  it.each(['zip', 'tar.gz', 'gz'] as const)('in %s is refused by its ratio', async (kind) => {
    const bytes = {
      zip: zipOf({ name: 'z', content: zeros }),
      'tar.gz': await tarGzOf({ name: 'z', content: zeros }),
      gz: gzipSync(zeros),
    }[kind];
    expect(await refused(kind, bytes, limits)).toContain('would unpack to more than');
  });

  it('is refused by its bytes, and by its number of entries', async () => {
    const tar = await tarOf({ name: 'z', content: zeros }, { name: 'y', content: zeros });
    expect(await refused('tar', tar, { bytesMax: 1_500_000 })).toContain(
      'would unpack to more than',
    );
    expect(await refused('tar', tar, { entriesMax: 1 })).toContain('more than 1 entries');
  });

  it('that lies about its size is stopped at what it claims', async () => {
    const lying = zipOf({ name: 'z', content: zeros, claims: 10 });
    expect(await refused('zip', lying)).toContain('z cannot be unpacked');
  });
});

it('a folder that was there stays as it was when its successor is refused', async () => {
  mkdirSync(join(at, 'out'));
  writeFileSync(join(at, 'out', 'mine.txt'), 'mine');
  await expect(unpacked('zip', zipOf({ name: '../x' }))).rejects.toThrow('leads out');
  expect(readFileSync(join(at, 'out', 'mine.txt'), 'utf8')).toBe('mine');
});
