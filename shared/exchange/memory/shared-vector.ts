/** @file The parameters of a run in memory that its workers on this machine read: each piece is written once a version. */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../../core/errors.ts';
import { createLog } from '../../machine/log.ts';
import type { MemoryFile } from './memory-file.ts';

/** A part of a vector. Units  bytes of the whole vector. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One vector in memory: of the version that was put last, which may be an older one, as the end of a run tests it. */
export class SharedVector {
  readonly #file: MemoryFile;
  #isShort = false;
  #version = -1;
  /** What holds the version here. */
  #source: ArrayBufferLike | undefined;
  /** Checksums of the pieces of this version, once they are in memory. */
  #pieces = new Map<string, Promise<number>>();

  constructor(file: MemoryFile) {
    this.#file = file;
  }

  /** Whether a piece could not be put: those that follow travel by wire. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Puts a piece of a version at its place, unless it is there; returns its CRC-32.
   *
   * Pieces of another version may be read meanwhile: their reader sees that checksums are wrong. The caller puts only
   * what can be pulled at that moment.
   *
   * Throws  SYSTEM.
   */
  put(version: number, { offset, bytes }: Piece): Promise<number> {
    const isNew = version !== this.#version || bytes.buffer !== this.#source;
    const before = isNew ? [...this.#pieces.values()] : [];
    if (isNew) {
      this.#version = version;
      this.#source = bytes.buffer;
      this.#pieces = new Map();
    }
    const key = `${offset}+${bytes.length}`;
    const known = this.#pieces.get(key);
    if (known !== undefined) return known;
    const putting = Promise.allSettled(before).then(() => this.#write(offset, bytes));
    this.#pieces.set(key, putting);
    return putting;
  }

  async #write(offset: number, bytes: Uint8Array): Promise<number> {
    const sum = crc32(bytes);
    await this.#file.write(bytes, offset).catch((thrown: unknown) => {
      const error = TesseraError.from(thrown);
      if (error.code === 'SYSTEM') this.#noteShort(error);
      throw error;
    });
    return sum;
  }

  #noteShort(error: TesseraError): void {
    if (this.#isShort) return;
    this.#isShort = true;
    createLog({ component: 'exchange' }).warn(error, 'memory is short: parameters travel by wire');
  }
}
