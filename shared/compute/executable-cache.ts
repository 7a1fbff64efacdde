/**
 * @file Compiled programs below the user's cache, for the next start: verified when they are read, the ones that were
 * not used for the longest time removed first. Processes may use it at the same time. What fails here costs a compilation.
 */
import { existsSync } from 'node:fs';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfBytes } from '../files/digest.ts';
import { writeFileAtomically } from '../files/files.ts';
import { userCache } from '../files/user-cache.ts';
import { EXECUTABLE_NAME, executablePieces, readExecutable } from './executable-file.ts';
import type { ExecutableKey, ExecutableStore } from './executables.ts';

const BYTES_MAX = 2 * 1024 ** 3;

/** How a cache is opened. */
export interface CacheOptions {
  /** Bytes of all its files. */
  readonly bytesMax?: number;
  /** Called for files that cannot be used, and for writes that fail. */
  readonly note?: (error: unknown, sentence: string) => void;
}

/** A folder of executables, by digest. */
export class ExecutableCache {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #note: NonNullable<CacheOptions['note']>;

  constructor(folder: string, { bytesMax = BYTES_MAX, note = () => {} }: CacheOptions = {}) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
    this.#note = note;
  }

  /** The executable of a digest; undefined when there is none that is whole. */
  async read(digest: string): Promise<Uint8Array | undefined> {
    const path = join(this.#folder, digest);
    if (!existsSync(path)) return undefined;
    try {
      const { bytes } = await readExecutable(path, digest, { bytesMax: this.#bytesMax });
      const now = new Date();
      await utimes(path, now, now).catch(() => {});
      return bytes;
    } catch (error) {
      this.#note(error, 'a cached executable cannot be used: the program is compiled');
      return undefined;
    }
  }

  /** Keeps an executable, in the place of the one of its digest. */
  async write(key: ExecutableKey, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength > this.#bytesMax) return;
    const path = join(this.#folder, key.digest);
    try {
      await writeFileAtomically(path, executablePieces(key, bytes, await sha256OfBytes(bytes)));
      await this.#removeOldest(key.digest);
    } catch (error) {
      this.#note(error, 'an executable is not cached: the next start compiles it again');
    }
  }

  /** Removes what was not used for the longest time, until the rest fits; never the newest one. */
  async #removeOldest(newest: string): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => EXECUTABLE_NAME.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        // Another process may have removed it.
        const found = await stat(join(this.#folder, name)).catch(() => undefined);
        const usedMs = name === newest ? Number.POSITIVE_INFINITY : (found?.mtimeMs ?? 0);
        return { name, bytes: found?.size ?? 0, usedMs };
      }),
    );
    let bytes = 0;
    for (const file of files.sort((a, b) => b.usedMs - a.usedMs)) {
      bytes += file.bytes;
      if (bytes > this.#bytesMax && file.name !== newest) {
        await rm(join(this.#folder, file.name), { force: true });
      }
    }
  }
}

/** The cache of this user. */
export function userExecutables(options: Pick<CacheOptions, 'note'> = {}): ExecutableCache {
  return new ExecutableCache(join(userCache(process.env), 'executables'), options);
}

/** The store of a program that belongs to no run: what was compiled before, and nothing else. */
export function cachedExecutables(cache: ExecutableCache): ExecutableStore {
  return {
    take: ({ digest }) => cache.read(digest),
    async put(key, bytes) {
      await cache.write(key, bytes);
      return bytes;
    },
    abandon: () => Promise.resolve(),
  };
}
