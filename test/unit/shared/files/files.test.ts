/** @file Files and folders are there whole or not at all, and a crash's leavings do no harm. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { crc32OfPieces, sha256OfBytes, sha256OfText } from '../../../../shared/files/digest.ts';
import {
  readWholeFile,
  removeFolderAtomically,
  sweepFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from '../../../../shared/files/files.ts';

const LONG_SHA256 = '972bf4d339c7c8041a5994be2fe0eaa9920319efcc86d9665ec3956cd40f1f39';
const LONG_CRC32 = 103443556;
const deadPid = spawnSync('true').pid;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tessera-files-'));
});

const text = (content: string) => [new TextEncoder().encode(content)];
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

function* failingHalfway() {
  yield* text('half');
  throw new Error('the power went');
}

describe('writeFileAtomically', () => {
  it('writes all pieces in order and replaces what was there', async () => {
    const path = join(root, 'a.bin');
    await writeFileAtomically(path, text('before'));
    await writeFileAtomically(path, [...text('one '), ...text(''), ...text('two')]);
    expect(read('a.bin')).toBe('one two');
    expect(readdirSync(root)).toEqual(['a.bin']);
  });

  it('makes the folder it writes to', async () => {
    await writeFileAtomically(join(root, 'x/y/a.txt'), text('deep'));
    expect(read('x/y/a.txt')).toBe('deep');
  });

  it('leaves the old file and no other when it fails midway', async () => {
    const path = join(root, 'a.txt');
    await writeFileAtomically(path, text('before'));
    await expect(writeFileAtomically(path, failingHalfway())).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      sentence: `cannot write ${path}: the power went`,
    });
    expect(read('a.txt')).toBe('before');
    expect(readdirSync(root)).toEqual(['a.txt']);
  });

  it('says in words what is in the way', async () => {
    writeFileSync(join(root, 'file'), '');
    mkdirSync(join(root, 'folder'));
    await expect(writeFileAtomically(join(root, 'file/a.txt'), text('a'))).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      message: expect.stringMatching(/file cannot be made: a file of that name exists/),
      hint: 'check the path',
    });
    await expect(writeFileAtomically(join(root, 'folder'), text('a'))).rejects.toMatchObject({
      message: expect.stringContaining('it is a folder'),
    });
    expect(readdirSync(root).sort()).toEqual(['file', 'folder']);
  });
});

describe('writeFolderAtomically', () => {
  const files = (content: string) => [
    { name: 'a', pieces: text(`a ${content}`) },
    { name: 'b', pieces: text(`b ${content}`) },
  ];

  it('replaces a whole folder by another', async () => {
    const folder = join(root, 'all/step');
    await writeFolderAtomically(folder, [...files('one'), { name: 'c', pieces: text('c') }]);
    await writeFolderAtomically(folder, files('two'));
    expect(readdirSync(folder).sort()).toEqual(['a', 'b']);
    expect(read('all/step/b')).toBe('b two');
    expect(readdirSync(join(root, 'all'))).toEqual(['step']);
  });

  it('leaves the old folder and no other when it fails midway', async () => {
    const folder = join(root, 'step');
    await writeFolderAtomically(folder, files('one'));
    const broken = [...files('two'), { name: 'c', pieces: failingHalfway() }];
    await expect(writeFolderAtomically(folder, broken)).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    expect(readdirSync(root)).toEqual(['step']);
    expect(read('step/a')).toBe('a one');
  });

  it("clears a dead process's leavings away, but not those of a live one", async () => {
    const live = `.step-1.new-${process.ppid}-0123456789ab`;
    for (const name of [`.step-1.new-${deadPid}-0123456789ab`, live, '.hidden']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'a'), 'half');
    }
    await writeFolderAtomically(join(root, 'step-2'), files('two'));
    expect(readdirSync(root).sort()).toEqual(['.hidden', live, 'step-2'].sort());
  });
});

describe('sweepFolder', () => {
  const aside = () => join(root, `.step.old-${deadPid}-0123456789ab`);

  it('brings back a folder whose successor never came', async () => {
    mkdirSync(aside());
    writeFileSync(join(aside(), 'a'), 'old');
    await sweepFolder(root);
    expect(readdirSync(root)).toEqual(['step']);
    expect(read('step/a')).toBe('old');
  });

  it('drops a folder whose successor is there', async () => {
    mkdirSync(aside());
    mkdirSync(join(root, 'step'));
    writeFileSync(join(root, 'step/a'), 'new');
    await sweepFolder(root);
    expect(readdirSync(root)).toEqual(['step']);
    expect(read('step/a')).toBe('new');
  });
});

describe('the rest', () => {
  it('removes a folder with all it holds', async () => {
    await writeFolderAtomically(join(root, 'step'), [{ name: 'a', pieces: text('a') }]);
    await removeFolderAtomically(join(root, 'step'));
    expect(readdirSync(root)).toEqual([]);
    await expect(removeFolderAtomically(join(root, 'step'))).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    expect(existsSync(join(root, 'step'))).toBe(false);
  });

  it('reads a file whole, and says what is wrong with one that it cannot read', async () => {
    await writeFileAtomically(join(root, 'a'), text('content'));
    expect(Buffer.from(await readWholeFile(join(root, 'a'))).toString()).toBe('content');
    await expect(readWholeFile(join(root, 'b'))).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: expect.stringContaining('b: no such file'),
    });
    await expect(readWholeFile(root)).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  it('sums in slices what it would sum at once', async () => {
    const long = new Uint8Array(9_000_001).map((_, index) => index % 251);
    // Source  Python's hashlib and zlib over the same bytes; FIPS 180-2 for `abc`.
    expect(sha256OfText('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(await sha256OfBytes(long)).toBe(LONG_SHA256);
    expect(await crc32OfPieces([long])).toBe(LONG_CRC32);
    expect(await crc32OfPieces([long.subarray(0, 7), long.subarray(7)])).toBe(LONG_CRC32);
  });
});
