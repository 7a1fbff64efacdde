/**
 * @file Walks folders of images: finds images by content, counts what is skipped, resolves links.
 *
 * Used for data sets and for the folders of `tessera predict`. The walk is iterative, and lists no more entries
 * than a budget allows.
 */
import { stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { errnoOf, reasonOf } from '../../../core/errno.ts';
import { TesseraError } from '../../../core/errors.ts';
import { isDecodable } from '../../../files/image-kind.ts';
import {
  listRawFolder,
  type RawEntry,
  rawRealpath,
  shownName,
  systemPath,
} from '../../../files/raw-names.ts';
import { lookAtFiles } from './look.ts';
import { isHidden, isImageName } from './rules.ts';
import { DEAD_LINKS, HIDDEN, LINKS_OUT, LOOPS, passedOver, SPECIAL, type Tally } from './tally.ts';

/** How folders are walked. */
export interface WalkOptions {
  /** The folder above everything, without links. */
  readonly root: string;
  /** Whether links may lead out of the root. */
  readonly links: 'inside' | 'follow';
  /** Whether an unreadable folder or a link out of the root ends the walk or is counted. */
  readonly onFault: 'refuse' | 'count';
  /** Maximum links to folders that are followed: links between folders can multiply the entries. */
  readonly folderLinksMax?: number;
}

/** A folder to list. */
export interface WalkFolder {
  readonly name: string;
  /** Its path as it was reached, links included. */
  readonly path: string;
  /** Its real path, and those of the folders on the way. */
  readonly chain: Chain;
}

interface Chain {
  readonly real: string;
  readonly above: Chain | undefined;
}

/** An image that was found. */
export interface WalkImage {
  readonly name: string;
  readonly bytes: number;
  /** Only its name says that it is an image. */
  readonly isDamaged: boolean;
  /** It cannot be opened, so only its name is known. */
  readonly isClosed: boolean;
}

/** What one folder holds, hidden entries left out, sorted by name. */
export interface Listing {
  readonly folders: readonly WalkFolder[];
  readonly images: readonly WalkImage[];
}

/** The images of one folder; `folder` is its path below the walked one: '' or `a/b`. */
export interface ImageGroup {
  readonly folder: string;
  readonly names: readonly string[];
  /** Of each image. */
  readonly bytes: Float64Array;
  /** The number of images by name only. */
  readonly damaged: number;
  /** The number of images that cannot be opened. */
  readonly closed: number;
}

/** Maximum entries of one walk: ImageNet-21k has 14 million. */
const ENTRIES_MAX = 2 ** 25;
/** ImageNet-21k has 22 thousand folders, each of which may be a link. */
const FOLDER_LINKS_MAX = 2 ** 16;
const DEPTH_MAX = 64;

/** Walks below one root. */
export class Walk {
  readonly #options: WalkOptions;
  #entriesLeft = ENTRIES_MAX;
  #folderLinksLeft: number;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#folderLinksLeft = options.folderLinksMax ?? FOLDER_LINKS_MAX;
  }

  /** The root, as the first folder. */
  get root(): WalkFolder {
    const { root } = this.#options;
    return { name: '', path: root, chain: { real: root, above: undefined } };
  }

  /**
   * Lists one folder; what is neither a folder nor an image is counted.
   *
   * Throws  DATA_INVALID when it cannot be listed, or a link leaves the root, where that is refused.
   */
  async list(folder: WalkFolder, tally: Tally): Promise<Listing> {
    const folders: WalkFolder[] = [];
    const files: FoundFile[] = [];
    for (const entry of await this.#entries(folder.path, tally)) {
      const path = below(folder.path, entry.name);
      if (isHidden(entry.name)) {
        if (entry.kind === 'folder') await this.countAll({ path }, tally, HIDDEN);
        else tally.add(HIDDEN);
        continue;
      }
      const thing = await this.#thingOf(entry, path, folder);
      if ('leftOut' in thing) tally.add(thing.leftOut);
      else if (thing.real === undefined)
        files.push({ name: entry.name, isOutside: thing.isOutside });
      else if (isAbove(thing.real, folder.chain)) tally.add(LOOPS);
      else {
        const chain = { real: thing.real, above: folder.chain };
        folders.push({ name: entry.name, path, chain });
      }
    }
    return { folders, images: await imagesAmong(folder.path, files, tally) };
  }

  /**
   * Finds all images in a folder and below it, sorted by their folders' names and then by their own, as torchvision
   * sorts them.
   */
  async images(folder: WalkFolder, tally: Tally): Promise<ImageGroup[]> {
    const groups: ImageGroup[] = [];
    const waiting = [{ folder, at: '', depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { at, depth } = next;
      const { folders, images } = await this.list(next.folder, tally);
      if (images.length > 0) groups.push(imageGroup(at, images));
      if (folders.length > 0 && depth >= DEPTH_MAX) {
        throw invalid(
          `${shownName(next.folder.path)} lies more than ${DEPTH_MAX} folders deep`,
          'move it up',
        );
      }
      for (const inner of folders) {
        waiting.push({
          folder: inner,
          at: at === '' ? inner.name : `${at}/${inner.name}`,
          depth: depth + 1,
        });
      }
    }
    return groups.sort((a, b) => (a.folder < b.folder ? -1 : Number(a.folder > b.folder)));
  }

  /** Counts all files of a folder and below it as left out for one reason; links in it are not followed. */
  async countAll({ path }: Pick<WalkFolder, 'path'>, tally: Tally, reason: Reason): Promise<void> {
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      // Skipped files need not be readable.
      for (const entry of await listRawFolder(next).catch(() => [])) {
        this.#spend();
        if (entry.kind === 'folder') waiting.push(below(next, entry.name));
        else tally.add(reason);
      }
    }
  }

  /** The kind of an entry; a link has the kind of its target. */
  async #thingOf({ name, kind }: RawEntry, path: string, folder: WalkFolder): Promise<Thing> {
    if (kind === 'file') return { real: undefined, isOutside: false };
    if (kind === 'folder') return { real: below(folder.chain.real, name), isOutside: false };
    return kind === 'link' ? await this.#follow(name, path) : { leftOut: SPECIAL };
  }

  async #entries(path: string, tally: Tally): Promise<RawEntry[]> {
    try {
      const entries = await listRawFolder(path);
      for (let count = entries.length; count > 0; count -= 1) this.#spend();
      return entries;
    } catch (error) {
      if (errnoOf(error) === '') throw error;
      const shown = shownName(path);
      const reason = reasonOf(error);
      if (this.#options.onFault === 'refuse') {
        throw invalid(
          `cannot list ${shown}: ${reason}`,
          'make the folder readable, or move it out of the data set',
          error,
        );
      }
      tally.add({ what: `folder ${shown}`, why: reason });
      return [];
    }
  }

  #spend(): void {
    this.#entriesLeft -= 1;
    if (this.#entriesLeft >= 0) return;
    throw invalid(
      `${shownName(this.#options.root)} has more than ${ENTRIES_MAX} files`,
      'give a smaller folder',
    );
  }

  async #follow(name: string, path: string): Promise<Thing> {
    const { root, links, onFault } = this.#options;
    const real = await rawRealpath(path).catch(() => '');
    const found = real === '' ? undefined : await stat(systemPath(real)).catch(() => undefined);
    const isOutside = !isBelow(real, root);
    if (links === 'inside' && isOutside) {
      const matters = isImageName(name) || found?.isDirectory() === true;
      if (onFault === 'refuse' && matters) throw leavesSet(path);
      return { leftOut: found === undefined ? DEAD_LINKS : LINKS_OUT };
    }
    if (found === undefined) return { leftOut: DEAD_LINKS };
    if (found.isFile()) return { real: undefined, isOutside };
    if (!found.isDirectory()) return { leftOut: SPECIAL };
    this.#folderLinksLeft -= 1;
    if (this.#folderLinksLeft >= 0) return { real, isOutside };
    throw invalid(
      `${shownName(root)} has too many links to folders, counted once per path`,
      'put the folders themselves into the set',
    );
  }
}

/** Images of one folder as a group. */
export function imageGroup(folder: string, images: readonly WalkImage[]): ImageGroup {
  return {
    folder,
    names: images.map(({ name }) => name),
    bytes: Float64Array.from(images, ({ bytes }) => bytes),
    damaged: images.filter(({ isDamaged }) => isDamaged).length,
    closed: images.filter(({ isClosed }) => isClosed).length,
  };
}

type Reason = Parameters<Tally['add']>[0];

/** The kind of an entry: left out, a folder with its real path, or a file. */
type Thing =
  | { readonly leftOut: Reason }
  | { readonly real: string | undefined; readonly isOutside: boolean };

interface FoundFile {
  readonly name: string;
  /** It is the target of a link out of the root. */
  readonly isOutside: boolean;
}

/** Whether a real path is one of the folders of a chain. */
function isAbove(real: string, chain: Chain | undefined): boolean {
  for (let at = chain; at !== undefined; at = at.above) if (at.real === real) return true;
  return false;
}

/** Those of the files that are images; the others are counted. */
async function imagesAmong(
  folder: string,
  files: readonly FoundFile[],
  tally: Tally,
): Promise<WalkImage[]> {
  const looks = await lookAtFiles(files.map(({ name }) => below(folder, name)));
  const images: WalkImage[] = [];
  for (const [at, look] of looks.entries()) {
    const { name, isOutside } = files[at] as FoundFile;
    // A damaged image is a sample, and is reported when it is read. A file outside the root that is not recognised as an
    // image is never a sample: the bytes of samples are sent to workers.
    const isNamed = look.kind === undefined && isImageName(name) && !isOutside;
    const isClosed = isNamed && look.isClosed === true;
    const isDamaged = isNamed && !isClosed;
    if (isDecodable(look.kind) || isNamed) {
      images.push({ name, bytes: look.bytes, isDamaged, isClosed });
    } else tally.add(passedOver(name, look));
  }
  return images;
}

/** Whether a real path is a root or lies below it. */
export function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function below(folder: string, name: string): string {
  return folder.endsWith(sep) ? folder + name : folder + sep + name;
}

function leavesSet(path: string): TesseraError {
  return invalid(
    `${shownName(path)} is a link that leaves the data set or leads nowhere`,
    'put the files themselves into the set, or follow its links: --set data.links=follow',
  );
}

function invalid(sentence: string, hint: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', sentence, { hint, cause });
}
