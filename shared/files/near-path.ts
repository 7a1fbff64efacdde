/** @file Paths as people type them: seen from a folder, where they lie in it. */
import { isAbsolute, relative } from 'node:path';

/** The folder that this process works in; '' for one that is not there any more. */
export function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

/** A path below a folder, the current one if none is given, as it is seen from there; any other as it is. */
export function nearPath(path: string, folder = currentFolder()): string {
  const near = folder === '' ? '' : relative(folder, path);
  return near === '' || /^\.\.(?:[\\/]|$)/.test(near) || isAbsolute(near) ? path : near;
}
