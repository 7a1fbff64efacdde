/**
 * @file A simulated disk: what was not flushed may be lost at a crash, whole or in part.
 *
 * Content and names are durable apart: a file's bytes once it was flushed, its name once its folder was. Changes
 * of names survive a crash as a prefix of all of them (a journal), or as a prefix folder by folder (the least that
 * POSIX promises).
 */
import { dirname } from 'node:path';
import type { Disk, NewFile } from '../../shared/files/disk.ts';
import type { Dice } from './dice.ts';
import type { Host } from './host.ts';

/** What goes wrong with a disk; chances are per call. */
export interface DiskFaults {
  readonly errorPerCall: number;
  isFull: boolean;
}

interface Content {
  bytes: Uint8Array<ArrayBuffer>;
  flushed: Uint8Array<ArrayBuffer> | undefined;
}
type Names = Map<string, Content | 'folder'>;

interface Change {
  readonly folder: string;
  readonly apply: (names: Names) => void;
}

/** What outlives the processes. */
export class Storage {
  readonly #dice: Dice;
  #names: Names = new Map([['/', 'folder']]);
  #durable: Names = new Map([['/', 'folder']]);
  #pending: Change[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Power fails: what was flushed is there, of the rest a part. */
  crash(): void {
    const isJournal = this.#dice.chance(0.5);
    const upTo = this.#dice.integer(0, this.#pending.length);
    const limits = new Map<string, number>();
    for (const [index, { folder, apply }] of this.#pending.entries()) {
      if (!limits.has(folder)) limits.set(folder, this.#dice.integer(0, this.#pending.length));
      if (index < (isJournal ? upTo : limits.get(folder)!)) apply(this.#durable);
    }
    this.#pending = [];
    for (const path of this.#durable.keys()) {
      // What lies in a folder that is gone is gone too.
      if (!isReachable(this.#durable, path)) this.#durable.delete(path);
    }
    for (const content of this.#durable.values()) if (content !== 'folder') this.#tear(content);
    this.#names = new Map(this.#durable);
  }

  /** Changes one byte of a file; answers whether there was one to change. */
  rot(folder: string): boolean {
    const files = [...this.#names].filter(([path]) => path.startsWith(`${folder}/`));
    const contents = files.flatMap(([, content]) =>
      content !== 'folder' && content.bytes.length > 0 ? [content] : [],
    );
    const content = contents[this.#dice.integer(0, contents.length - 1)];
    if (content === undefined) return false;
    const bytes = content.bytes.slice();
    bytes[this.#dice.integer(0, bytes.length - 1)]! ^= 1 << this.#dice.integer(0, 7);
    content.bytes = bytes;
    content.flushed = bytes;
    return true;
  }

  /** Names in a folder; none where there is no such folder. */
  namesIn(folder: string): string[] {
    return this.#names.get(folder) === 'folder' ? this.#childrenOf(folder) : [];
  }

  /** The disk as a process sees it. */
  for(host: Host, processId: number, faults: DiskFaults): Disk {
    const call = <T>(work: () => T): Promise<T> => this.#call(host, faults, work);
    return {
      processId,
      isAlive: (other) => other === processId,
      create: (path) => call(() => this.#create(path, faults, call)),
      read: (path) =>
        this.#call(host, { errorPerCall: 0 }, () => this.#contentOf(path).bytes.slice()),
      exists: (path) => this.#names.has(path),
      list: (folder) => this.#call(host, { errorPerCall: 0 }, () => this.#childrenOf(folder)),
      makeFolder: (path) => call(() => this.#makeFolder(path)),
      flushFolder: (path) => call(() => this.#flushFolder(path)),
      rename: (from, to) => call(() => this.#rename(from, to)),
      remove: (path) =>
        call(() =>
          this.#change(dirname(path), (names) =>
            forEachBelow(names, path, (at) => names.delete(at)),
          ),
        ),
    };
  }

  /** A call takes a while, and nothing comes of it when its process dies meanwhile. */
  #call<T>(host: Host, { errorPerCall }: { errorPerCall: number }, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      host.after(this.#dice.between(0.1, 3), () => {
        if (this.#dice.chance(errorPerCall)) return reject(failure('EIO'));
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #create(path: string, faults: DiskFaults, call: <T>(work: () => T) => Promise<T>): NewFile {
    if (this.#names.has(path)) throw failure('EEXIST');
    if (this.#names.get(dirname(path)) !== 'folder') throw failure('ENOENT');
    const content: Content = { bytes: new Uint8Array(), flushed: undefined };
    this.#change(dirname(path), (names) => names.set(path, content));
    const append = (piece: Uint8Array) => {
      content.bytes = new Uint8Array(Buffer.concat([content.bytes, piece]));
    };
    return {
      write: (piece) =>
        call(() => {
          if (faults.isFull) {
            append(piece.subarray(0, this.#dice.integer(0, piece.length)));
            throw failure('ENOSPC');
          }
          append(piece);
        }),
      flush: () =>
        call(() => {
          content.flushed = content.bytes;
        }),
      close: () => Promise.resolve(),
    };
  }

  #makeFolder(path: string): string | undefined {
    if (this.#names.has(path)) return undefined;
    const parent = this.#makeFolder(dirname(path));
    this.#change(dirname(path), (names) => names.set(path, 'folder'));
    return parent ?? path;
  }

  #flushFolder(path: string): void {
    if (this.#names.get(path) !== 'folder') throw failure('ENOENT');
    for (const { folder, apply } of this.#pending) if (folder === path) apply(this.#durable);
    this.#pending = this.#pending.filter(({ folder }) => folder !== path);
  }

  #rename(from: string, to: string): void {
    if (!this.#names.has(from)) throw failure('ENOENT');
    if (this.#names.get(to) === 'folder' && this.#childrenOf(to).length > 0)
      throw failure('ENOTEMPTY');
    this.#change(dirname(to), (names) => {
      if (!names.has(from)) return;
      forEachBelow(names, to, (at) => names.delete(at));
      forEachBelow(names, from, (at, content) => {
        names.delete(at);
        names.set(to + at.slice(from.length), content);
      });
    });
  }

  #change(folder: string, apply: (names: Names) => unknown): void {
    apply(this.#names);
    this.#pending.push({ folder, apply });
  }

  #contentOf(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined || content === 'folder') throw failure('ENOENT');
    return content;
  }

  #childrenOf(folder: string): string[] {
    if (this.#names.get(folder) !== 'folder') throw failure('ENOENT');
    return [...this.#names.keys()]
      .filter((path) => path !== folder && dirname(path) === folder)
      .map((path) => path.slice(folder.length + 1));
  }

  /** Of what was written and not flushed, a beginning survives, and what the rest reads as is anybody's guess. */
  #tear(content: Content): void {
    if (content.flushed === content.bytes) return;
    const torn = content.bytes.slice();
    const from = this.#dice.integer(0, torn.length);
    torn.fill(0, from);
    content.bytes = this.#dice.chance(0.5) ? torn : torn.slice(0, from);
    content.flushed = content.bytes;
  }
}

function isReachable(names: Names, path: string): boolean {
  const parent = dirname(path);
  return parent === path || (names.get(parent) === 'folder' && isReachable(names, parent));
}

function forEachBelow(
  names: Names,
  path: string,
  visit: (at: string, content: Content | 'folder') => void,
): void {
  for (const [at, content] of [...names]) {
    if (at === path || at.startsWith(`${path}/`)) visit(at, content);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
