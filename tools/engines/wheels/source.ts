/** @file Where wheels are found: in a package index, or in a folder of downloaded ones. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { KnownWheel } from '../../../shared/catalog/engines.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { cannotRead } from '../../../shared/files/files.ts';
import { type Asking, askIndex } from './ask.ts';
import type { OfferedFile } from './page.ts';
import type { WheelPlatform } from './platform.ts';
import { normalised, parseWheelName, rankOf } from './wheel-name.ts';

/** A wheel that fits, and where it is. */
export interface FoundWheel {
  readonly file: string;
  /** Undefined where the index does not say. */
  readonly bytes: number | undefined;
  /** Undefined in a folder, whose files are taken as they are. */
  readonly sha256: string | undefined;
  /** Address of a download; undefined for a file in a folder. */
  readonly url: string | undefined;
  /** Path of a file in a folder. */
  readonly path: string | undefined;
}

/** Where wheels are found. */
export interface WheelSource {
  /** For people: a host, or a folder. */
  readonly title: string;
  /** A folder from which all is taken, without a network. */
  readonly folder: string | undefined;
  /** Throws  DATA_INVALID when there is no such wheel for this machine; what `askIndex` throws. */
  find(known: KnownWheel, here: WheelPlatform): Promise<FoundWheel>;
}

/** The indexes, asked in their order: the first that has a fitting wheel is taken. */
export function indexSource(indexes: readonly string[], asking: Asking): WheelSource {
  return {
    title: indexes.map((index) => new URL(index).host).join(', '),
    folder: undefined,
    async find(known, here) {
      const seen: OfferedFile[] = [];
      for (const index of indexes) {
        const offered = (await askIndex(index, known.project, asking)) ?? [];
        seen.push(...offered);
        const [best] = bestFirst(offered, known, here);
        if (best === undefined) continue;
        if (best.sha256 === undefined) throw unchecked(index, best.file);
        const { file, url, sha256, bytes } = best;
        return { file, url, sha256, bytes, path: undefined };
      }
      throw absent(known, here, { files: seen, title: this.title });
    },
  };
}

/** A folder of wheels: what an index would be asked for, with the same names. Throws  DATA_INVALID. */
export function folderSource(folder: string): WheelSource {
  return {
    title: resolve(folder),
    folder: resolve(folder),
    async find(known, here) {
      const names = await readdir(folder).catch((cause: unknown) => {
        throw cannotRead(folder, cause);
      });
      const files = names.map((file) => ({ file, isYanked: false }));
      const [best] = bestFirst(files, known, here);
      if (best === undefined) throw absent(known, here, { files, title: this.title });
      const path = join(resolve(folder), best.file);
      const { size } = await stat(path).catch((cause: unknown) => {
        throw cannotRead(path, cause);
      });
      return { file: best.file, path, bytes: size, sha256: undefined, url: undefined };
    },
  };
}

/** Those that fit, best first; a withdrawn one only where there is no other, since its version is pinned. */
function bestFirst<T extends Pick<OfferedFile, 'file' | 'isYanked'>>(
  files: readonly T[],
  known: KnownWheel,
  here: WheelPlatform,
): readonly T[] {
  const fitting = files.flatMap((file) => {
    const rank = rankOf(file.file, known, here);
    return rank === undefined ? [] : [{ file, rank: rank + (file.isYanked ? 10 : 0) }];
  });
  return fitting.sort((a, b) => a.rank - b.rank).map(({ file }) => file);
}

function absent(
  known: KnownWheel,
  { machine, glibc }: WheelPlatform,
  {
    files,
    title,
  }: { readonly files: readonly { readonly file: string }[]; readonly title: string },
): TesseraError {
  const names = files.map(({ file }) => parseWheelName(file));
  const own = names.filter((name) => name?.project === normalised(known.project));
  const isVersion = own.some((name) => name?.version === known.version);
  const what = `${known.project} ${known.version}`;
  const here = `this machine (${machine}, glibc ${glibc.join('.')})`;
  const reason =
    own.length === 0
      ? `${title} has no wheel of ${known.project}`
      : isVersion
        ? `${title} has no wheel of ${what} for ${here}`
        : `${title} has ${known.project}, but not version ${known.version}`;
  return new TesseraError('DATA_INVALID', reason, {
    hint: isVersion
      ? 'its wheels are for a newer glibc or another processor: use a newer system'
      : `get the wheel ${what}, and give its folder with --from, or an index that has it with --index`,
  });
}

function unchecked(index: string, file: string): TesseraError {
  return new TesseraError('DATA_INVALID', `${new URL(index).host} states no SHA-256 of ${file}`, {
    hint: 'what cannot be verified is not downloaded: use an index that has checksums with --index',
  });
}
