/** @file A disk in memory: files by their paths, without faults. */
import { basename, dirname } from 'node:path';
import type { Disk } from '../../shared/files/disk.ts';

/** Makes one; `files` is what it holds, to be looked at and damaged. */
export function memoryDisk(files = new Map<string, Uint8Array<ArrayBuffer>>()): Disk {
  const read = (path: string) => {
    const bytes = files.get(path);
    if (bytes === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return bytes;
  };
  return {
    processId: process.pid,
    isAlive: () => true,
    async create(path) {
      files.set(path, new Uint8Array());
      return {
        write: async (piece) => {
          files.set(path, new Uint8Array(Buffer.concat([read(path), piece])));
        },
        flush: async () => {},
        close: async () => {},
      };
    },
    async read(path, bytesMax = Number.POSITIVE_INFINITY) {
      const bytes = read(path);
      if (bytes.length > bytesMax) throw new Error('it is too large');
      return bytes.slice();
    },
    exists: (path) => [...files.keys()].some((file) => file === path || dirname(file) === path),
    list: async (folder) =>
      [...files.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
    makeFolder: async () => undefined,
    flushFolder: async () => {},
    async rename(from, to) {
      files.set(to, read(from));
      files.delete(from);
    },
    async remove(path) {
      files.delete(path);
    },
  };
}
