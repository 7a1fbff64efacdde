/** @file Saves a run's checkpoints as they fall due and keeps their number in bounds. */
import type { Clock } from '../../core/clock.ts';
import { isDiskFull } from '../../core/errno.ts';
import { TesseraError } from '../../core/errors.ts';
import { type Disk, machineDisk } from '../../files/disk.ts';
import type { EvaluationReport } from '../events.ts';
import type { HeldLock } from '../lock/lock.ts';
import type { ModelMetadata } from '../model-metadata.ts';
import { checkpointsFolder, listCheckpoints, type SavedCheckpoint } from './layout.ts';
import { type LoadedCheckpoint, readCheckpoint } from './read.ts';
import { deleteOldest, pruneCheckpoints } from './retention.ts';
import type { ProgressSnapshot } from './state.ts';
import { type CheckpointSource, writeCheckpoint } from './write.ts';

export type { SavedCheckpoint } from './layout.ts';

/** What a checkpointer works with. */
export interface CheckpointerParts {
  readonly runFolder: string;
  readonly identityJson: string;
  readonly metadata: ModelMetadata;
  /** Newest checkpoints to keep, besides the best one. */
  readonly keep: number;
  /** Asked at each save. */
  readonly progress: {
    readonly best: EvaluationReport | undefined;
    snapshot(nowMs: number): ProgressSnapshot;
  };
  readonly clock: Clock;
  readonly disk?: Disk;
  /** Bytes of tensors in a file; what has more becomes several. */
  readonly shardBytes?: number;
  /** Of the run's folder: asked before anything is written or removed there. */
  readonly lock?: Pick<HeldLock, 'confirm'>;
  /** The checkpoint that the run resumes from. */
  readonly lastSaved?: SavedCheckpoint | undefined;
}

/** The checkpoints of one run. One save at a time is the caller's business. */
export class Checkpointer {
  #last: SavedCheckpoint | undefined;
  readonly #parts: CheckpointerParts;

  constructor({ lastSaved, ...parts }: CheckpointerParts) {
    this.#parts = parts;
    if (lastSaved === undefined) return;
    // Only the facts: a loaded checkpoint would keep its tensors alive for the whole run.
    const { step, folder, bytes, seconds, parametersSha256 } = lastSaved;
    this.#last = { step, folder, bytes, seconds, parametersSha256 };
  }

  /** The newest checkpoint on disk. */
  get last(): SavedCheckpoint | undefined {
    return this.#last;
  }

  /** Whether the newest checkpoint was removed from outside. */
  get isLastGone(): boolean {
    const { disk = machineDisk } = this.#parts;
    return this.#last !== undefined && !disk.exists(this.#last.folder);
  }

  /**
   * Writes the store's present version, then removes what is no longer kept. Where the disk has no room for one more,
   * the oldest goes first: they are all of one size.
   *
   * Throws  CANNOT_WRITE; RUN_IN_USE when the folder is another coordinator's by now: nothing of it is touched.
   */
  async save(store: CheckpointSource): Promise<SavedCheckpoint> {
    const { runFolder, keep, progress, clock, disk, lock } = this.#parts;
    await lock?.confirm();
    const bestStep = progress.best?.version;
    const written = { ...this.#parts, store, progress: progress.snapshot(clock.nowMs()) };
    const saved = await writeCheckpoint(written).catch(async (error: unknown) => {
      const givenUp = isDiskFull(error) ? await this.#deleteOldest(bestStep) : undefined;
      if (givenUp === undefined) throw error;
      return { ...(await writeCheckpoint(written)), givenUp };
    });
    this.#last = saved;
    // A save may take minutes.
    await lock?.confirm();
    await pruneCheckpoints(runFolder, { keep, bestStep, newestStep: saved.step, disk });
    return saved;
  }

  async #deleteOldest(bestStep: number | undefined): Promise<string | undefined> {
    const { runFolder, disk } = this.#parts;
    const newestStep = this.#last?.step ?? 0;
    return await deleteOldest(runFolder, { bestStep, newestStep, disk });
  }

  /**
   * Reads the checkpoint of a version of this run.
   *
   * Throws  CHECKPOINT_CORRUPT when it is damaged, or not there any more.
   */
  async read(
    version: number,
    { table, frozen = 0 }: Pick<CheckpointSource, 'table' | 'frozen'>,
  ): Promise<LoadedCheckpoint> {
    const { runFolder, identityJson, disk } = this.#parts;
    const found = (await listCheckpoints(runFolder, disk)).find(({ step }) => step === version);
    if (found !== undefined) {
      return await readCheckpoint(found.folder, { table, frozen, identityJson }, disk);
    }
    const folder = checkpointsFolder(runFolder);
    throw new TesseraError('CHECKPOINT_CORRUPT', `${folder} has no checkpoint of step ${version}`);
  }

  /** Saves when there is something that no checkpoint has. Throws  as `save` does. */
  async saveIfNewer(store: CheckpointSource): Promise<SavedCheckpoint | undefined> {
    const isNewer = store.version > (this.#last?.step ?? 0);
    return isNewer || this.isLastGone ? await this.save(store) : undefined;
  }
}
