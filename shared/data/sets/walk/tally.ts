/** @file Counts of skipped files during the walk of a folder: each file in exactly one of them. Pure. */
import { type ImageKind, kindName, remedy } from '../../../files/image-kind.ts';
import type { LeftOut } from '../../found.ts';
import type { Look } from './look.ts';
import { endingOf } from './rules.ts';

/** Kinds of left-out files that are counted separately; further kinds are counted together. */
const KINDS_MAX = 24;
/** Kinds of files whose ending is clear enough. */
const PLAIN: ReadonlySet<ImageKind> = new Set(['numpy', 'zip', 'gzip', 'pdf', 'html', 'video']);
/** Endings of archives. Others of the kind zip are documents and arrays. */
const ARCHIVE = /^\.(?:zip|tar|tgz|gz|7z|rar)$/;

/** Counts files that are left out, by what they are and why. */
export class Tally {
  readonly #counts = new Map<string, LeftOut>();
  #total = 0;

  /** The total count. */
  get total(): number {
    return this.#total;
  }

  add(kind: Omit<LeftOut, 'count'>, count = 1): void {
    if (count === 0) return;
    this.#total += count;
    const key = `${kind.what}\0${kind.why ?? ''}`;
    const known = this.#counts.get(key);
    if (known === undefined && this.#counts.size >= KINDS_MAX) {
      const others = { what: 'others' };
      const sum = (this.#counts.get('others\0')?.count ?? 0) + count;
      this.#counts.set('others\0', { ...others, count: sum });
    } else this.#counts.set(key, { ...kind, count: (known?.count ?? 0) + count });
  }

  /** Adds the counts of another tally. */
  addAll(other: Tally): void {
    for (const { count, ...kind } of other.#counts.values()) this.add(kind, count);
  }

  /** The counts, the largest first; those with a remedy come before the others. */
  list(): LeftOut[] {
    const weight = ({ remedy, count }: LeftOut) => (remedy === undefined ? 0 : 2 ** 40) + count;
    return [...this.#counts.values()].sort((a, b) => weight(b) - weight(a));
  }
}

/** Entries that are skipped for their names. */
export const HIDDEN = { what: 'hidden' } as const;
/** Pipes, sockets, devices. */
export const SPECIAL = { what: 'not files', why: 'pipes, sockets or devices' } as const;
export const DEAD_LINKS = { what: 'links', why: 'they lead nowhere' } as const;
export const LOOPS = { what: 'links', why: 'they lead back to a folder that they lie in' } as const;
export const LINKS_OUT = { what: 'links', why: 'they leave the folder' } as const;
export const LOOSE = { what: 'images', why: 'beside the folders of classes' } as const;

/** What a file is that is not read as an image. */
export function passedOver(name: string, { kind, isClosed }: Look): Omit<LeftOut, 'count'> {
  const ending = endingOf(name);
  const what = ending === '' ? 'without an ending' : ending;
  if (isClosed) return { what, why: 'cannot be opened' };
  if (ARCHIVE.test(ending))
    return { what, why: 'not images', remedy: 'unpack it, if images are in it' };
  if (kind === undefined || PLAIN.has(kind)) return { what, why: 'not images' };
  const why = `.${kind}` === ending ? 'not readable here' : `${kindName(kind)}, not readable here`;
  return { what, why, remedy: remedy(kind) };
}
