/** @file Where the nodes of a run find what they share. Pure. */
import { basename, dirname, join, resolve } from 'node:path';

/** The join folder of a run, unless another is given: beside the run's own, which people copy and show. */
export function joinFolderOf(runFolder: string): string {
  return join(dirname(runFolder), '.join', basename(resolve(runFolder)));
}

/** Where the first node listens, unless it can say another port to the others. */
export const DEFAULT_PORT = 50_051;
