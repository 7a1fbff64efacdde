/** @file RUN/logs/workers.jsonl: an observer that keeps what all workers have logged, the newest of it. */
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TimedEvent } from './events.ts';
import { SoonWriter } from './later/soon-writer.ts';
import { LOGS_FOLDER } from './layout.ts';
import { appendWhole } from './metrics-file.ts';
import type { RunObserver } from './observer.ts';

/** The lines of all workers, and the file before that one. */
export const WORKER_LOG_FILES = { newest: 'workers.jsonl', before: 'workers.1.jsonl' } as const;

/** Who says that lines are lost. */
const COORDINATOR = 'coordinator';

/** A file that is larger makes room for a new one: 8 MiB a run at most, some 40,000 lines. */
const FILE_BYTES = 4 * 1024 ** 2;
/** Lines are written together. */
const WRITE_MS = 200;
/** Lines that wait for a disk without room; those beyond are lost. */
const WAITING_CHARS_MAX = 2 ** 20;

/** Appends the lines of workers; what cannot be written waits for the next ones. */
export class WorkerLogFile implements RunObserver {
  readonly name = WORKER_LOG_FILES.newest;
  readonly #folder: string;
  #waiting: string[] = [];
  #waitingChars = 0;
  #numLost = 0;
  readonly #writer = new SoonWriter(WRITE_MS, () => this.#write());

  constructor(runFolder: string) {
    this.#folder = join(runFolder, LOGS_FOLDER);
  }

  event(event: TimedEvent): void {
    if (event.type !== 'workerLog') return;
    if (this.#waitingChars > WAITING_CHARS_MAX) {
      this.#numLost += 1;
      return;
    }
    const { worker, host, level, text, leftOut, ageMs } = event;
    const time = new Date(Date.parse(event.time) - ageMs).toISOString();
    this.#add({ time, worker, host, level, text, leftOut });
    this.#writer.soon();
  }

  #add(line: object): void {
    const json = `${JSON.stringify(line)}\n`;
    this.#waiting.push(json);
    this.#waitingChars += json.length;
  }

  async close(): Promise<void> {
    await this.#writer.now();
  }

  async #write(): Promise<void> {
    const numLines = this.#waiting.length;
    if (numLines === 0) return;
    const text = this.#waiting.join('');
    await mkdir(this.#folder, { recursive: true });
    const newest = join(this.#folder, WORKER_LOG_FILES.newest);
    const bytes = await stat(newest).then(
      ({ size }) => size,
      () => 0,
    );
    if (bytes > FILE_BYTES) await rename(newest, join(this.#folder, WORKER_LOG_FILES.before));
    await appendWhole(newest, text);
    this.#waiting.splice(0, numLines);
    this.#waitingChars -= text.length;
    if (this.#numLost === 0) return;
    const words = `${this.#numLost} lines of workers left out, which the disk had no room for`;
    const time = new Date().toISOString();
    this.#add({
      time,
      worker: COORDINATOR,
      host: '',
      level: 'warn',
      text: words,
      leftOut: this.#numLost,
    });
    this.#numLost = 0;
    void this.#writer.now();
  }
}
