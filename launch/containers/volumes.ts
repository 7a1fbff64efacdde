/** @file Folders that a user gives to containers, as `SOURCE:PATH[:ro]`. Pure. */
import { posix } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { FOLDERS, type GivenVolume } from './request.ts';

/** Volumes of `--volume`. Throws  USAGE for one that is not SOURCE:PATH, and for a path that is taken. */
export function givenVolumes(texts: readonly string[]): readonly GivenVolume[] {
  const volumes = texts.map(volumeOf);
  for (const [at, { path }] of volumes.entries()) {
    const isOurs = [FOLDERS.config, FOLDERS.join, FOLDERS.runs].some((folder) =>
      isWithin(path, folder),
    );
    const isTwice = volumes.findIndex((other) => other.path === path) !== at;
    if (!isOurs && !isTwice) continue;
    throw new TesseraError('USAGE', `--volume ${texts[at]}: ${path} has something already`, {
      hint: `give another path, such as ${CURRENT_DATA}`,
    });
  }
  return volumes;
}

/** A path that is free. */
const CURRENT_DATA = '/tessera/data';

function volumeOf(text: string): GivenVolume {
  const [, source, path = '', mode] = /^([^:]+):(\/[^:]*?)(?::(ro|rw))?$/.exec(text) ?? [];
  const normal = posix.resolve(path);
  if (source === undefined || normal === '/') {
    throw new TesseraError('USAGE', `--volume ${text} is not SOURCE:PATH or SOURCE:PATH:ro`, {
      hint: `PATH is where the container sees it: photos:${CURRENT_DATA}:ro`,
    });
  }
  return { source, path: normal, isReadOnly: mode === 'ro' };
}

/** Whether a path is a folder or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
