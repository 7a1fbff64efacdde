/** @file Run folders as the source of a page; those that grow are read again. */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import { readActivities } from '../../shared/runs/activity-files.ts';
import { LOGS_FOLDER, RUN_FILES } from '../../shared/runs/layout.ts';
import { configOf } from '../../shared/runs/reader/read.ts';
import { WORKER_LOG_FILES } from '../../shared/runs/worker-log-file.ts';
import { LaneBins } from './lane-bins.ts';
import { readPast } from './past.ts';
import { type BoardRun, type BoardSource, type LineOf, RunView } from './run-view.ts';

/** A folder is looked at this often at most; one that took longer to read waits for ten times as long. */
const LOOK_MS = 2000;
const LANE_BINS = 1200;
const BIN_MS = 500;

interface Folder {
  readonly folder: string;
  /** Its name on the page. */
  readonly id: string;
  run: BoardRun | undefined;
  bytes: number;
  nextMs: number;
  /** Whether it was said that it cannot be read. */
  isFaulty: boolean;
}

/** Runs that are on the disk. */
export class RunFolders implements BoardSource {
  readonly #folders: readonly Folder[];
  readonly #lineOf: LineOf;
  #reading: Promise<void> | undefined;

  readonly #onFault: (error: TesseraError) => void;

  /** `onFault` takes each folder that cannot be read, once. */
  constructor(
    folders: readonly string[],
    lineOf: LineOf,
    onFault: (error: TesseraError) => void = () => {},
  ) {
    this.#folders = folders.map((folder, place) => ({
      ...{ folder, id: idOf(folders, place), run: undefined },
      ...{ bytes: -1, nextMs: 0, isFaulty: false },
    }));
    this.#lineOf = lineOf;
    this.#onFault = onFault;
  }

  runs(): readonly BoardRun[] {
    return this.#folders.flatMap(({ run }) => (run === undefined ? [] : [run]));
  }

  async refresh(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #readAll(): Promise<void> {
    for (const folder of this.#folders) {
      await this.#read(folder).catch((thrown: unknown) => {
        folder.nextMs = performance.now() + LOOK_MS;
        if (!folder.isFaulty) this.#onFault(TesseraError.from(thrown));
        folder.isFaulty = true;
      });
    }
  }

  async #read(known: Folder): Promise<void> {
    const startedMs = performance.now();
    if (startedMs < known.nextMs) return;
    const { folder } = known;
    const bytes =
      (await sizeOf(join(folder, RUN_FILES.metrics))) +
      (await sizeOf(join(folder, LOGS_FOLDER, WORKER_LOG_FILES.newest)));
    if (bytes !== known.bytes) {
      const view = new RunView(this.#lineOf);
      // First, since the events say which workers were away.
      view.lanes = lanesOf(await readActivities(folder));
      await readPast(folder, view);
      known.bytes = bytes;
      known.run = {
        ...{ id: known.id, folder, view, isLive: false, stop: undefined, origins: undefined },
        config: async () => (await configOf(folder)).config,
        status: () => undefined,
      };
    }
    const tookMs = performance.now() - startedMs;
    known.nextMs = performance.now() + Math.max(LOOK_MS, 10 * tookMs);
  }
}

/** The name of a folder; of several of one name, with a number. */
function idOf(folders: readonly string[], place: number): string {
  const names = folders.slice(0, place + 1).map((folder) => basename(resolve(folder)));
  const name = names.at(-1) ?? '';
  const before = names.filter((other) => other === name).length;
  return before > 1 ? `${name} (${before})` : name;
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** The lanes over all that was recorded. */
function lanesOf(activities: readonly TimedActivity[]): LaneBins {
  const spanMs = (activities.at(-1)?.atMs ?? 0) - (activities[0]?.atMs ?? 0);
  const lanes = new LaneBins(Math.max(BIN_MS, spanMs / LANE_BINS));
  for (const activity of activities) lanes.activity(activity);
  return lanes;
}
