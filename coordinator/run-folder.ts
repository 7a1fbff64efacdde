/** @file The folder of a run: config, address, metrics; a complete record of what happened. */
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../shared/core/errors.ts';
import { type Disk, machineDisk } from '../shared/host/disk.ts';
import { readWholeFile, writeFileAtomically } from '../shared/host/files.ts';

/** Where run folders are made by default, under the current folder. */
export const RUNS_FOLDER = 'runs';

/** Names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  /** Address of the coordinator while it runs. */
  address: 'address',
  metrics: 'metrics.jsonl',
  /** Held by the coordinator while it runs. */
  lock: 'coordinator.lock',
} as const;

/**
 * Makes the folder of a new run: runs/NAME-TIME, or the one that is asked for.
 *
 * Throws  CANNOT_WRITE when it cannot be made or already holds a run.
 */
export async function createRunFolder(name: string, wanted: string | undefined): Promise<string> {
  const folder = wanted ?? join(RUNS_FOLDER, `${name}-${timestamp(new Date())}`);
  try {
    await mkdir(folder, { recursive: true });
    const existing = await readdir(folder);
    if (existing.includes(RUN_FILES.config)) {
      throw new TesseraError('CANNOT_WRITE', `${folder} already holds a run`, {
        hint: 'continue it with --resume, or choose another --run-folder',
      });
    }
  } catch (error) {
    if (error instanceof TesseraError) throw error;
    throw new TesseraError(
      'CANNOT_WRITE',
      `cannot make the run folder ${folder}: ${String(error)}`,
      {
        hint: 'choose a folder that can be written with --run-folder',
        cause: error,
      },
    );
  }
  return folder;
}

function timestamp(date: Date): string {
  const digits = date.toISOString().replace(/[-:]/g, '').replace('T', '-');
  return digits.slice(0, 15);
}

/** Appends records to metrics.jsonl, in order; a failure is reported once and never ends a run. */
export class MetricsFile {
  readonly #path: string;
  readonly #onError: (error: unknown) => void;
  #pending: string[] = [];
  #writing: Promise<void> | undefined;
  #broken = false;

  constructor(runFolder: string, onError: (error: unknown) => void) {
    this.#path = join(runFolder, RUN_FILES.metrics);
    this.#onError = onError;
  }

  append(record: object): void {
    if (this.#broken) return;
    this.#pending.push(`${JSON.stringify(record)}\n`);
    this.#writing ??= this.#write();
  }

  /** Resolves when everything appended so far is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    // Yield first, so that a burst of records becomes one write.
    await Promise.resolve();
    while (this.#pending.length > 0 && !this.#broken) {
      const text = this.#pending.join('');
      this.#pending = [];
      await appendFile(this.#path, text).catch((error: unknown) => {
        this.#broken = true;
        this.#onError(error);
      });
    }
    this.#writing = undefined;
  }
}

/** Whether a run's metrics tell of a checkpoint that was written. */
export async function hasSaved(runFolder: string, disk: Disk = machineDisk): Promise<boolean> {
  const path = join(runFolder, RUN_FILES.metrics);
  if (!disk.exists(path)) return false;
  const { buffer } = await readWholeFile(path, disk);
  return Buffer.from(buffer).includes('"type":"checkpoint"');
}

/** Writes the config of a run, as it was resolved, and the coordinator's address. Throws  CANNOT_WRITE. */
export async function describeRun(
  runFolder: string,
  configJson: string,
  address: string,
): Promise<void> {
  const pretty = `${JSON.stringify(JSON.parse(configJson), null, 2)}\n`;
  await writeFileAtomically(join(runFolder, RUN_FILES.config), [Buffer.from(pretty)]);
  await writeFileAtomically(join(runFolder, RUN_FILES.address), [Buffer.from(`${address}\n`)]);
}
