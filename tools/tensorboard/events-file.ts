/** @file A file for TensorBoard, written behind the run: bounded, and never waited for. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';

/** Where bytes go, at a place of the file. */
export interface EventsSink {
  write(bytes: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** Records wait for others for so long: each write is a call of the system. */
const FLUSH_MS = 1000;
/** Records that the disk does not take wait up to this size; those beyond are lost. */
const UNWRITTEN_BYTES_MAX = 32 * 1024 ** 2;
/** Readers take the files of a folder in the order of their names. */
const NAME = /^events\.out\.tfevents\.(\d{10})\./;

/** Appends records to a new file. */
export class EventsFile {
  readonly #opened: () => Promise<EventsSink>;
  #sink: EventsSink | undefined;
  #unwritten: Uint8Array[] = [];
  #unwrittenBytes = 0;
  #position = 0;
  #lost = 0;
  #error: unknown;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  /** The file is made when the first records are written. */
  constructor(opened: () => Promise<EventsSink>) {
    this.#opened = opened;
  }

  /** Why the last records could not be written; undefined once they are. */
  get error(): unknown {
    return this.#error;
  }

  /** Takes the bytes of one or more whole records. */
  add(records: Uint8Array): void {
    if (this.#unwrittenBytes + records.length > UNWRITTEN_BYTES_MAX) this.#lost += 1;
    else {
      this.#unwritten.push(records);
      this.#unwrittenBytes += records.length;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, FLUSH_MS);
  }

  /** Resolves when what was added is written, or cannot be. */
  async flush(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  /** Throws  CANNOT_WRITE when records are lost. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.flush();
    await this.#sink?.close();
    const lost = this.#lost + this.#unwritten.length;
    if (lost === 0) return;
    throw new TesseraError('CANNOT_WRITE', `${lost} records for TensorBoard were not written`, {
      cause: this.#error,
    });
  }

  async #write(): Promise<void> {
    try {
      this.#sink ??= await this.#opened();
      while (this.#unwritten.length > 0) {
        const count = this.#unwritten.length;
        const bytes = Buffer.concat(this.#unwritten);
        // Always at the end of what is whole: a write that failed half-way is written over.
        await this.#sink.write(bytes, this.#position);
        this.#position += bytes.length;
        this.#unwritten.splice(0, count);
        this.#unwrittenBytes -= bytes.length;
      }
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
  }
}

/** Makes the next file of a run folder: its name comes behind those of earlier files, whatever the clock says. */
export async function newEventsFile(runFolder: string): Promise<EventsSink> {
  const times = (await readdir(runFolder)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
  const time = Math.max(Math.floor(Date.now() / 1000), ...times.map((other) => other + 1));
  const host = hostname().replace(/[^\w.-]/g, '_');
  const name = `events.out.tfevents.${String(time).padStart(10, '0')}.${host}.${process.pid}.0`;
  const file = await open(join(runFolder, name), 'wx');
  return {
    write: (bytes, position) => writeAt(file, bytes, position),
    close: () => file.close(),
  };
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}
