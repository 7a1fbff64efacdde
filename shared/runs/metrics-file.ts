/** @file metrics.jsonl: an observer that appends each event as a line, and continues once a full disk has room again. */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonRecord } from '../core/text.ts';
import { type Disk, machineDisk } from '../files/disk.ts';
import { readWholeFile } from '../files/files.ts';
import { BoundedLines } from '../files/lines.ts';
import { RUN_FILES } from './layout.ts';
import type { RunObserver } from './observer.ts';

/** Called as the writing fails and recovers. */
export interface MetricsWatcher {
  /** Nothing can be written at present; called once until it can be again. */
  readonly failed: (error: unknown) => void;
  /** It is written again, but for so many records. */
  readonly recovered: (lost: number) => void;
  /** The run is over, and so many records could not be written. */
  readonly lost: (records: number) => void;
}

/** Steps may be quick, and each write opens the file: so long their records wait for others. */
const STEP_WAIT_MS = 200;

/** Records that cannot be written wait for the disk up to this size; those beyond are lost, and counted. */
const UNWRITTEN_CHARS_MAX = 2 ** 20;

/** A coordinator writes lines of at most 1 Mi characters; a longer one is damage. */
export const LINE_BYTES_MAX = 4 * 1024 ** 2;

/** Appends records to metrics.jsonl; a failure never ends a run. */
export class MetricsFile implements RunObserver {
  readonly name = RUN_FILES.metrics;
  readonly #path: string;
  readonly #watcher: MetricsWatcher;
  readonly #unwritten: string[] = [];
  #unwrittenChars = 0;
  #numLost = 0;
  #isFailing = false;
  #writing: Promise<void> | undefined;
  #soon: NodeJS.Timeout | undefined;

  constructor(runFolder: string, watcher: MetricsWatcher) {
    this.#path = join(runFolder, RUN_FILES.metrics);
    this.#watcher = watcher;
  }

  event(record: object): void {
    // A file of its own has those.
    if ('type' in record && record.type === 'workerLog') return;
    const line = `${JSON.stringify(record)}\n`;
    if (this.#unwrittenChars + line.length > UNWRITTEN_CHARS_MAX) this.#numLost += 1;
    else {
      this.#unwritten.push(line);
      this.#unwrittenChars += line.length;
    }
    const isStep = 'type' in record && record.type === 'step';
    if (isStep) this.#soon ??= setTimeout(() => this.#begin(), STEP_WAIT_MS);
    else this.#begin();
  }

  /** Resolves when everything so far is written, or cannot be. */
  async close(): Promise<void> {
    clearTimeout(this.#soon);
    await this.#writing;
    await this.#write();
    this.#numLost += this.#unwritten.length;
    if (this.#numLost > 0) this.#watcher.lost(this.#numLost);
  }

  #begin(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    // Yield first, so that a burst of records becomes one write.
    await Promise.resolve();
    try {
      while (this.#unwritten.length > 0) await this.#writeAll();
    } catch (error) {
      if (!this.#isFailing) this.#watcher.failed(error);
      this.#isFailing = true;
    }
    this.#writing = undefined;
  }

  async #writeAll(): Promise<void> {
    const numLines = this.#unwritten.length;
    const text = this.#unwritten.join('');
    await appendWhole(this.#path, text);
    this.#unwritten.splice(0, numLines);
    this.#unwrittenChars -= text.length;
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#watcher.recovered(this.#numLost);
    this.#numLost = 0;
  }
}

/** Appends text to a file of lines, or nothing of it. */
export async function appendWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    const isTorn = size > 0 && !(await endsLine(file, size));
    await file.appendFile(isTorn ? `\n${text}` : text).catch(async (error: unknown) => {
      await file.truncate(size).catch(() => {});
      throw error;
    });
  } finally {
    await file.close();
  }
}

/** A coordinator that was killed may have left half a line: what follows must not become a part of it. */
async function endsLine(file: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}

/** Whether the metrics of a run have a record of a checkpoint. */
export async function hasSaved(runFolder: string, disk: Disk = machineDisk): Promise<boolean> {
  const path = join(runFolder, RUN_FILES.metrics);
  if (!disk.exists(path)) return false;
  const lines = new BoundedLines(LINE_BYTES_MAX);
  const bytes = await readWholeFile(path, { disk });
  for (const line of [...lines.add(bytes), ...lines.end()]) {
    // Most lines are of steps: those need not be parsed.
    if (line?.includes('checkpoint') && jsonRecord(line)?.['type'] === 'checkpoint') return true;
  }
  return false;
}
