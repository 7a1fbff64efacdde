/** @file The end of a file of lines, and what is appended to it from then on, over a rotation too. */
import { errnoOf } from '../core/errno.ts';
import { BoundedLines } from './lines.ts';
import { openRegularFile, type RegularFile } from './regular-file.ts';

/** Longer lines are passed over. */
const LINE_BYTES_MAX = 64 * 1024;
const NEWLINE = 0x0a;

/** Which lines of a file are read. */
export interface TailOptions {
  /** What is read of the file as it is found: its end. */
  readonly bytesMax: number;
  /** The name that the file gets when a new one takes its place. */
  readonly before?: string;
}

/** Reads a file that grows. One that is not there has no lines yet. */
export class Tail {
  readonly #path: string;
  readonly #options: TailOptions;
  #lines = new BoundedLines(LINE_BYTES_MAX);
  /** The file that is read, by its number in the file system, and how far. */
  #file: { readonly number: bigint; offset: number } | undefined;
  /** Bytes before the first line that was read. */
  skipped = 0;

  constructor(path: string, options: TailOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Which file it reads, of all of its file system; undefined while it reads none. */
  get number(): bigint | undefined {
    return this.#file?.number;
  }

  /** The whole lines that are new. Throws  node's error for a file that is there and cannot be read. */
  async read(): Promise<string[]> {
    await using file = await openIfThere(this.#path);
    if (file === undefined) return [];
    const number = await numberOf(file);
    const old = this.#file;
    if (old !== undefined && (old.number !== number || file.size < old.offset)) {
      const rest = await this.#rest(old);
      this.#lines = new BoundedLines(LINE_BYTES_MAX);
      this.#file = { number, offset: 0 };
      return [...rest, ...(await this.#readOn(file, this.#file))];
    }
    this.#file ??= { number, offset: await this.#begin(file) };
    return await this.#readOn(file, this.#file);
  }

  /** The last line, if the file does not end with a line end. */
  end(): string[] {
    return whole(this.#lines.end());
  }

  /** What was appended to a file before it got another name. */
  async #rest(old: { readonly number: bigint; offset: number }): Promise<string[]> {
    const { before } = this.#options;
    await using file = before === undefined ? undefined : await openIfThere(before);
    const isIt = file !== undefined && (await numberOf(file)) === old.number;
    return isIt ? await this.#readOn(file, old) : [];
  }

  /** Where to begin in a file: after the first line end of what is read of it. */
  async #begin({ handle, size }: RegularFile): Promise<number> {
    const first = Math.max(0, size - this.#options.bytesMax);
    if (first === 0) return 0;
    const bytes = Buffer.alloc(LINE_BYTES_MAX);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, first - 1);
    const end = bytes.subarray(0, bytesRead).indexOf(NEWLINE);
    this.skipped = end < 0 ? first : first + end;
    return this.skipped;
  }

  async #readOn({ handle, size }: RegularFile, place: { offset: number }): Promise<string[]> {
    const found: string[] = [];
    const piece = Buffer.alloc(Math.max(0, Math.min(size - place.offset, 2 ** 20)));
    while (place.offset < size) {
      const length = Math.min(piece.length, size - place.offset);
      const { bytesRead } = await handle.read(piece, 0, length, place.offset);
      if (bytesRead === 0) break;
      place.offset += bytesRead;
      // The lines are kept, and the piece is read into again.
      found.push(...whole(this.#lines.add(Uint8Array.prototype.slice.call(piece, 0, bytesRead))));
    }
    return found;
  }
}

function whole(lines: Iterable<string | undefined>): string[] {
  return [...lines].filter((line) => line !== undefined && line !== '') as string[];
}

async function openIfThere(path: string): Promise<RegularFile | undefined> {
  try {
    return await openRegularFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function numberOf({ handle }: RegularFile): Promise<bigint> {
  return (await handle.stat({ bigint: true })).ino;
}
