/**
 * @file Memory that two processes of one account on one machine read and write: a file in the system's memory without a
 * name. Nothing is left of it when both have ended, however they end.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  openSync,
  read,
  readlinkSync,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { MemoryPlace } from '../../contract/messages.ts';
import { TesseraError } from '../../core/errors.ts';

const readAt = promisify(read);
const writeAt = promisify(write);

/** Files in memory, on Linux. */
export const MEMORY_FOLDER = '/dev/shm';
/** Opens a file without a name. Source  open(2); Node has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const OWNER_ONLY = 0o600;

/** The secret is at the beginning, data from the next page on. */
const NONCE_BYTES = 32;
const DATA_START = 4096;

/** A file in memory that is open here. */
export class MemoryFile {
  readonly place: MemoryPlace;
  readonly #fd: number;
  /** Calls of the system under way: its number may mean another file once it is closed. */
  #numBusy = 0;
  #isClosed = false;

  private constructor(fd: number, place: MemoryPlace) {
    this.#fd = fd;
    this.place = place;
  }

  /** Makes a file; undefined where the system has none without a name. */
  static create(): MemoryFile | undefined {
    try {
      const fd = openSync(MEMORY_FOLDER, O_TMPFILE | constants.O_RDWR, OWNER_ONLY);
      const nonce = randomBytes(NONCE_BYTES);
      writeSync(fd, nonce, 0, NONCE_BYTES, 0);
      return new MemoryFile(fd, { pid: process.pid, fd, nonce: nonce.toString('hex') });
    } catch {
      return undefined;
    }
  }

  /** Opens a file that another process has made; undefined when what is there is not that file. */
  static open(place: MemoryPlace): MemoryFile | undefined {
    const path = `/proc/${place.pid}/fd/${place.fd}`;
    let fd: number | undefined;
    try {
      if (!/^\/dev\/shm\/#\d+ \(deleted\)$/.test(readlinkSync(path))) return undefined;
      fd = openSync(path, constants.O_RDWR);
      const found = Buffer.alloc(NONCE_BYTES);
      const size = readSync(fd, found, 0, NONCE_BYTES, 0);
      if (size === NONCE_BYTES && found.toString('hex') === place.nonce) {
        return new MemoryFile(fd, place);
      }
    } catch {
      // Another machine, another account, or another container.
    }
    if (fd !== undefined) closeSync(fd);
    return undefined;
  }

  /** Writes bytes at a place of the data. Throws  SYSTEM when there is no memory left. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const size = bytes.length - done;
      const { bytesWritten } = await this.#do(() =>
        writeAt(this.#fd, bytes, done, size, DATA_START + position + done),
      );
      done += bytesWritten;
    }
  }

  /** Fills `into` from a place of the data. Throws  CHUNK_CORRUPT when there is less. */
  async read(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const size = into.length - done;
      const { bytesRead } = await this.#do(() =>
        readAt(this.#fd, into, done, size, DATA_START + position + done),
      );
      if (bytesRead === 0) {
        throw new TesseraError('CHUNK_CORRUPT', 'shared memory ends before what it should hold');
      }
      done += bytesRead;
    }
  }

  /** Closes it here, once calls under way have ended; later ones are refused. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#numBusy === 0) closeSync(this.#fd);
  }

  async #do<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new TesseraError('CANCELLED', 'shared memory is closed');
    this.#numBusy += 1;
    try {
      return await call();
    } catch (cause) {
      const sentence = `shared memory: ${(cause as Error).message}`;
      throw new TesseraError('SYSTEM', sentence, { hint: 'set cluster.sharedMemory: off', cause });
    } finally {
      this.#numBusy -= 1;
      if (this.#isClosed && this.#numBusy === 0) closeSync(this.#fd);
    }
  }
}
