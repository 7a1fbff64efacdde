/** @file Faults of the machine are named as that: never "a bug of Tessera", never the fault of an image. */
import { describe, expect, it } from 'vitest';
import { machineFailure } from '../../../../shared/core/errno.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { cannotRead } from '../../../../shared/files/files.ts';
import { assertLoopback } from '../../../../shared/machine/addresses.ts';

function failed(message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), facts);
}

describe('a fault of the machine', () => {
  it.each([
    [
      failed('ENOENT: no such file or directory, uv_cwd', { code: 'ENOENT', syscall: 'uv_cwd' }),
      'the current folder does not exist any more',
    ],
    [
      failed("Cannot find package 'zod' imported from x", { code: 'ERR_MODULE_NOT_FOUND' }),
      "this installation of Tessera is incomplete: Cannot find package 'zod' imported from x",
    ],
    [
      failed('x.node: file too short', { code: 'ERR_DLOPEN_FAILED' }),
      'this installation of Tessera is incomplete: x.node: file too short',
    ],
    [
      failed('Could not load the "sharp" module using the linux-x64 runtime\nmore'),
      'this installation of Tessera is incomplete: Could not load the "sharp" module using the linux-x64 runtime',
    ],
    [
      failed('Worker initialization failure: EAGAIN', { code: 'ERR_WORKER_INIT_FAILED' }),
      'this process cannot start more threads',
    ],
  ])('is of the system, with what to do: %s', (error, sentence) => {
    const told = TesseraError.from(error);
    expect(told).toMatchObject({ code: 'SYSTEM', sentence, hint: expect.stringMatching(/./) });
  });

  it.each([
    ['glib: Error creating thread: Resource temporarily unavailable', /cannot start more threads/],
    ['PosixThread pthread_create failed, error code: 11', /cannot start more threads/],
    ['out of memory -- size == 12MB', /no memory/],
  ])('is known by the words of a library: %s', (message, sentence) => {
    expect(machineFailure(new Error(message))?.sentence).toMatch(sentence);
    expect(machineFailure(new Error('VipsJpeg: premature end'))).toBeUndefined();
  });

  it('makes no file unreadable that it only kept from being opened', () => {
    const code = (errno: string) => cannotRead('a.png', failed(errno, { code: errno })).code;
    expect(['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES'].map(code)).toEqual([
      ...['SYSTEM', 'SYSTEM', 'SYSTEM', 'DATA_INVALID'],
    ]);
  });
});

describe('a machine that must reach itself', () => {
  it('is let go on where it can, and told where it cannot', async () => {
    await assertLoopback('127.0.0.1');
    // An address for documents, which no machine has.
    await expect(assertLoopback('192.0.2.1')).rejects.toMatchObject({
      code: 'SYSTEM',
      hint: expect.stringContaining('ip link set lo up'),
    });
  });
});
