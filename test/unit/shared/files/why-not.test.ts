/** @file A failed call of the system is told in words, of the path that is to blame, and is never a bug of Tessera. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodeOf, TesseraError } from '../../../../shared/core/errors.ts';
import { whyNot } from '../../../../shared/files/why-not.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-trouble-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string) => join(folder, name);

writeFileSync(inFolder('file'), 'text');
mkdirSync(inFolder('closed'));
mkdirSync(inFolder('locked'));
writeFileSync(inFolder('locked/in'), 'text');
writeFileSync(inFolder('secret'), 'text');
symlinkSync('gone/away', inFolder('broken'));
symlinkSync('circle', inFolder('circle'));
chmodSync(folder, 0o755);
// The folder of this test run, which is its owner's alone: others must come as far as the faults.
if (tmpdir().includes('tessera-test-')) chmodSync(tmpdir(), 0o711);
chmodSync(inFolder('secret'), 0o600);
chmodSync(inFolder('closed'), 0o555);
chmodSync(inFolder('locked'), 0o600);

/** Runs `work` as a user who may not do everything. */
function asNobody<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a path that cannot be read or written', () => {
  it.each([
    ['none', 'no such file or folder'],
    ['no/such/file', 'there is no folder FOLDER/no'],
    ['file/in', 'FOLDER/file is a file, not a folder'],
    ['broken', 'the link FOLDER/broken leads to FOLDER/gone/away: no such file or folder'],
    ['circle', 'the link FOLDER/circle leads to FOLDER/circle: its links form a loop'],
    ['closed', 'it is a folder'],
    ['locked/in', 'the folder FOLDER/locked may not be entered'],
    ['secret', 'permission denied'],
  ])('%s: %s', (name, reason) => {
    const path = inFolder(name);
    const told = asNobody(() =>
      whyNot(
        path,
        caught(() => readFileSync(path)),
      ),
    );
    expect(told).toBe(reason.replaceAll('FOLDER', folder));
  });

  it('a new file in a folder that takes none: the folder is to blame', () => {
    const path = inFolder('closed/new');
    const told = asNobody(() =>
      whyNot(
        path,
        caught(() => writeFileSync(path, '')),
      ),
    );
    expect(told).toBe(`the folder ${inFolder('closed')} may not be written to`);
  });

  it('a folder above that cannot be made is named', () => {
    const made = caught(() => mkdirSync(inFolder('file/above')));
    const reason = `${inFolder('file')} is a file, not a folder`;
    expect(whyNot(inFolder('file/above/a.png'), made)).toBe(
      `the folder ${inFolder('file/above')} cannot be made: ${reason}`,
    );
    expect(whyNot(inFolder('file/above'), made)).toBe(reason);
  });

  it('what another file suffers is told of that file', () => {
    const other = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', path: '/else/where' });
    expect(whyNot('/some/file', other)).toBe('the disk reports an error (/else/where)');
    const hidden = { code: 'EIO', path: '/some/.file.new-1-abcdef012345' };
    expect(whyNot('/some/file', Object.assign(new Error('EIO'), hidden))).toBe(
      'the disk reports an error',
    );
  });
});

describe('a system error that nobody put into words', () => {
  it.each([
    ['scandir', 'EACCES', 'DATA_INVALID', 'cannot read /p: permission denied'],
    ['stat', 'ELOOP', 'DATA_INVALID', 'cannot read /p: its links form a loop'],
    ['open', 'ENOENT', 'DATA_INVALID', 'cannot read /p: no such file or folder'],
    ['open', 'EROFS', 'CANNOT_WRITE', 'cannot write /p: the file system is read-only'],
    ['open', 'EEXIST', 'CANNOT_WRITE', 'cannot write /p: a file of that name exists'],
    ['read', 'EIO', 'DATA_INVALID', 'cannot read /p: the disk reports an error'],
    ['mkdtemp', 'ENOENT', 'CANNOT_WRITE', 'cannot make the folder /p: no such file or folder'],
    ['mkdir', 'ENOTDIR', 'CANNOT_WRITE', 'cannot make the folder /p: a part of the path is a file'],
    ['unlink', 'EBUSY', 'CANNOT_WRITE', 'cannot write /p: another program uses it'],
    ['open', 'EMFILE', 'SYSTEM', 'cannot open /p: too many open files'],
    ['ioctl', 'ENOTTY', 'SYSTEM', 'cannot ioctl /p: odd'],
    ['spawn nvidia-smi', 'ENOENT', 'ENGINE_UNAVAILABLE', 'cannot start /p: no such file or folder'],
  ])('%s %s is %s', (syscall, code, expected, sentence) => {
    const thrown = Object.assign(new Error(`${code}: odd, ${syscall} '/p'`), {
      ...{ code, syscall, path: '/p' },
    });
    const error = TesseraError.from(thrown);
    expect([error.code, error.sentence]).toEqual([expected, sentence]);
    expect(error.hint).toBeTruthy();
    expect(exitCodeOf(error)).not.toBe(70);
  });

  it('of a rename is told of what was to be made; a full disk needs no path', () => {
    const renamed = { code: 'EXDEV', syscall: 'rename', path: '/a', dest: '/b' };
    expect(TesseraError.from(Object.assign(new Error('EXDEV'), renamed)).sentence).toBe(
      'cannot write /b: it is on another disk',
    );
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    expect(TesseraError.from(full)).toMatchObject({
      code: 'CANNOT_WRITE',
      sentence: 'cannot write: the disk is full',
    });
  });

  it("is the system's own: errors of libraries stay what they are", () => {
    const thrown = caught(() => readdirSync(inFolder('none')));
    expect(TesseraError.from(thrown).code).toBe('DATA_INVALID');
    for (const made of [{ code: 'Z_DATA_ERROR', errno: -3 }, { code: 'ERR_WHAT' }, {}]) {
      expect(TesseraError.from(Object.assign(new Error('x'), made)).code).toBe('INTERNAL');
    }
    expect(TesseraError.from(thrown, 'CANNOT_WRITE').code).toBe('CANNOT_WRITE');
  });
});
