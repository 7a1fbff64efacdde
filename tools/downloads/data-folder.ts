/** @file Turns downloaded archives into the folder of a data set, which is there whole or not at all. */
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arrangement, KnownData } from '../../shared/catalog/data.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { openIdx } from '../../shared/data/sets/idx.ts';
import { openImageFolder } from '../../shared/data/sets/image-folder.ts';
import { buildFolderAtomically } from '../../shared/files/files.ts';
import { type Arranging, arrangeAsIs, arrangeCifar10, arrangeFood101 } from './arrange.ts';
import { type ArchiveKind, type UnpackOptions, unpack } from './unpack.ts';

const ARRANGE: Readonly<Record<Arrangement, (arranging: Arranging) => Promise<void>>> = {
  'image-folder': arrangeAsIs,
  idx: arrangeAsIs,
  cifar10: arrangeCifar10,
  food101: arrangeFood101,
};

/** What `buildDataFolder` works on. */
export interface BuildOptions {
  readonly archives: readonly string[];
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, count: number) => void;
  readonly limits?: UnpackOptions['limits'];
}

/**
 * Unpacks and arranges beside `folder`, opens the result once, and only then puts it in place.
 *
 * Throws  DATA_INVALID when an archive is damaged, hostile or not the data set; CANNOT_WRITE; nothing is left then.
 */
export async function buildDataFolder(
  { arrangement, classes }: Pick<KnownData, 'arrangement' | 'classes'>,
  { archives, folder, signal, onProgress, limits }: BuildOptions,
): Promise<void> {
  const common = {
    ...(signal !== undefined && { signal }),
    ...(limits !== undefined && { limits }),
  };
  await buildFolderAtomically(folder, async (temporary) => {
    const unpacked = join(temporary, '.unpacked');
    await mkdir(unpacked);
    for (const archive of archives) {
      await unpack({
        ...common,
        archive,
        kind: kindOf(archive),
        folder: unpacked,
        onProgress: (count) => onProgress?.(`unpacking ${basename(archive)}`, count),
      });
    }
    await ARRANGE[arrangement]({
      ...common,
      ...(classes !== undefined && { classes }),
      from: unpacked,
      to: temporary,
      onProgress: (count) => onProgress?.('arranging by class', count),
    });
    await rm(unpacked, { recursive: true });
    await openedCounts(temporary, arrangement === 'idx' ? 'idx' : 'image-folder');
  });
}

/** How much a data set holds. Throws  DATA_INVALID when `source` cannot read it. */
export async function openedCounts(folder: string, source: 'idx' | 'image-folder') {
  const set = source === 'idx' ? await openIdx(folder) : await openImageFolder(folder);
  return {
    train: set.train.labels.length,
    test: (set.test ?? set.validation)?.labels.length ?? 0,
    classes: set.classes.length,
  };
}

function kindOf(archive: string): ArchiveKind {
  const ending = /\.(zip|tar\.gz|tgz|tar|gz)$/.exec(archive)?.[1];
  if (ending === undefined) {
    throw new TesseraError('DATA_INVALID', `${archive} is not a zip, tar, tar.gz or gz`);
  }
  return ending === 'tgz' ? 'tar.gz' : (ending as ArchiveKind);
}
