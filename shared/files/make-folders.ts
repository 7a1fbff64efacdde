/** @file Makes a folder and those above it, or says why not. */
import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../core/errno.ts';

/**
 * Makes a folder and its parents if they do not exist; returns the topmost that was made.
 *
 * Node's own `recursive` (20.20) tries for ever where a folder is there that takes no other, such as /proc, and says of a
 * read-only disk that there is no such folder.
 *
 * Throws  node's error of the one folder that could not be made.
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return await makeOne(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const first = await makeFolders(dirname(resolve(path)), mode);
    const own = await makeOne(path, mode);
    return first ?? own;
  }
}

async function makeOne(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    throw error;
  }
}
