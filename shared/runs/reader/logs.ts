/** @file Reads RUN/logs: what all workers of a run have logged, and what they log from then on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../core/errno.ts';
import { cannotRead } from '../../files/files.ts';
import { Tail } from '../../files/tail.ts';
import { LOGS_FOLDER } from '../layout.ts';
import { WORKER_LOG_FILES } from '../worker-log-file.ts';
import { collectedLine, LogMerge, OwnLines, type ShownLine } from './log-lines.ts';

/** Of one file, and of the files of all workers together. */
const FILE_BYTES_MAX = 4 * 1024 ** 2;
const BYTES_MAX = 64 * 1024 ** 2;
const OWN_FILE = /^(.+)\.log$/;

interface Own {
  readonly tail: Tail;
  readonly lines: OwnLines;
}

/** What was collected of a run's workers, in the order of time. Throws  as a file that cannot be read does. */
export async function readCollected(runFolder: string): Promise<ShownLine[]> {
  const found: ShownLine[] = [];
  for (const name of [WORKER_LOG_FILES.before, WORKER_LOG_FILES.newest]) {
    const path = join(runFolder, LOGS_FOLDER, name);
    for (const line of await new Tail(path, { bytesMax: 2 * FILE_BYTES_MAX }).read()) {
      const shown = collectedLine(line);
      if (shown !== undefined) found.push(shown);
    }
  }
  return found.sort((one, other) => one.timeMs - other.timeMs);
}

/** The logs of one run, as they grow. */
export class RunLogs {
  readonly #folder: string;
  readonly #merge = new LogMerge();
  readonly #own = new Map<string, Own>();
  readonly #newest: Tail;
  /** Undefined once it was read: later the newest file is followed to this name. */
  #before: Tail | undefined;

  constructor(runFolder: string) {
    this.#folder = join(runFolder, LOGS_FOLDER);
    const [newest, before] = [WORKER_LOG_FILES.newest, WORKER_LOG_FILES.before].map((name) =>
      join(this.#folder, name),
    ) as [string, string];
    this.#before = new Tail(before, { bytesMax: 2 * FILE_BYTES_MAX });
    this.#newest = new Tail(newest, { bytesMax: 2 * FILE_BYTES_MAX, before });
  }

  /** The lines that are new, in the order of time. Throws  DATA_INVALID for a file that cannot be read. */
  async read(): Promise<ShownLine[]> {
    await this.#findOwn();
    const own: ShownLine[] = [];
    for (const { tail, lines } of this.#own.values()) {
      for (const line of await this.#from(tail)) own.push(lines.read(line));
    }
    const newer = await this.#from(this.#newest);
    const older = await this.#older();
    const collected = [...older, ...newer].flatMap((line) => collectedLine(line) ?? []);
    return this.#merge.merge(own, collected);
  }

  /** Files of which the beginning was too much to be read. */
  get cut(): readonly string[] {
    return [...this.#own].filter(([, { tail }]) => tail.skipped > 0).map(([name]) => name);
  }

  /** What the files of single workers end with, where that is not a whole line. */
  end(): ShownLine[] {
    return [...this.#own.values()].flatMap(({ tail, lines }) =>
      tail.end().map((line) => lines.read(line)),
    );
  }

  /** Workers that have a file of their own. */
  get ownNames(): readonly string[] {
    return [...this.#own.values()].map(({ lines }) => lines.worker);
  }

  async #older(): Promise<string[]> {
    const before = this.#before;
    this.#before = undefined;
    if (before === undefined) return [];
    const lines = await this.#from(before);
    // It may have got this name just now.
    return before.number === this.#newest.number ? [] : lines;
  }

  async #findOwn(): Promise<void> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw cannotRead(this.#folder, error);
    });
    const files = names.filter((name) => OWN_FILE.test(name)).sort();
    const bytesMax = Math.min(FILE_BYTES_MAX, Math.floor(BYTES_MAX / Math.max(1, files.length)));
    for (const name of files) {
      if (this.#own.has(name)) continue;
      const worker = OWN_FILE.exec(name)?.[1] ?? name;
      const tail = new Tail(join(this.#folder, name), { bytesMax });
      this.#own.set(name, { tail, lines: new OwnLines(worker) });
    }
  }

  async #from(tail: Tail): Promise<string[]> {
    return await tail.read().catch((error: unknown) => {
      throw cannotRead(this.#folder, error);
    });
  }
}
