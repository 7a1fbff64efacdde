/** @file Follows the metrics.jsonl of a run from outside, record by record, across restarts of its coordinator. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A record as it was written; what it has besides depends on its type. */
export interface MetricsRecord {
  readonly type: string;
  /** Milliseconds since 1970, in the clock of the machine. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

const POLL_MS = 5;

/** The records of a run so far. */
export class MetricsTail {
  readonly records: MetricsRecord[] = [];
  /** Lines that are no records: a line that a kill tore, and what was appended to it. */
  damagedLines = 0;
  readonly #path: string;
  #offset = 0;
  #rest = '';

  constructor(runFolder: string) {
    this.#path = join(runFolder, 'metrics.jsonl');
  }

  /** Reads what is new. */
  poll(): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= this.#offset) return;
    const bytes = Buffer.alloc(size - this.#offset);
    const file = openSync(this.#path, 'r');
    this.#offset += readSync(file, bytes, 0, bytes.length, this.#offset);
    closeSync(file);
    const lines = (this.#rest + bytes.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  /** The highest step that was ever committed. */
  get step(): number {
    return Math.max(0, ...this.of('step').map(({ fields }) => Number(fields['step'])));
  }

  /** The records of a type, in order. */
  of(type: string): MetricsRecord[] {
    return this.records.filter((record) => record.type === type);
  }

  /**
   * The first record from number `from` on that fits, as soon as it is there.
   *
   * Throws  an Error when none comes in time, or when `failed` has something to say.
   */
  async next(
    fits: (record: MetricsRecord) => boolean,
    options: {
      readonly from: number;
      readonly deadlineMs: number;
      readonly what: string;
      readonly failed?: () => string | undefined;
    },
  ): Promise<MetricsRecord> {
    const startedMs = performance.now();
    for (let index = options.from; ; ) {
      this.poll();
      for (; index < this.records.length; index += 1) {
        const record = this.records[index] as MetricsRecord;
        if (fits(record)) return record;
      }
      const failure = options.failed?.();
      if (failure !== undefined) throw new Error(failure);
      if (performance.now() - startedMs > options.deadlineMs) {
        const last = JSON.stringify(this.records.slice(-5).map(({ fields }) => fields));
        throw new Error(`${options.what}: not within ${options.deadlineMs} ms; last ${last}`);
      }
      await new Promise((later) => setTimeout(later, POLL_MS));
    }
  }

  #take(line: string): void {
    try {
      const fields = JSON.parse(line) as Record<string, unknown>;
      const atMs = Date.parse(String(fields['time']));
      this.records.push({ type: String(fields['type']), atMs, fields });
    } catch {
      this.damagedLines += 1;
    }
  }
}
