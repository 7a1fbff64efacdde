/** @file Pictures of the newest checkpoint of a run, made when a person asks: one look at a time, the newest one is kept. */
import { basename, join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import type { Split } from '../../shared/core/work.ts';
import { checkpointsFolder } from '../../shared/runs/checkpoint/layout.ts';
import type { Look, LookJob } from '../look/job.ts';
import { type LookProgram, startLook } from '../look/process.ts';
import type { BoardRun } from './run-view.ts';

/** What a look at a checkpoint found. Pictures are PNG in base64. */
export interface Pictures {
  readonly step: number;
  /** Undefined where the data set has no images to evaluate on. */
  readonly evaluation?: {
    readonly split: Split;
    readonly samples: number;
    readonly accuracy: number;
    readonly loss: number;
    /** Of few classes: images by true and predicted class. */
    readonly matrix?: {
      readonly classes: readonly string[];
      readonly counts: readonly (readonly number[])[];
    };
    readonly pairs: readonly ConfusedPair[];
    readonly mistakes: readonly {
      readonly name: string;
      readonly label: string;
      readonly predicted: string;
      readonly probability: number;
      readonly png: string;
    }[];
  };
  /** Training images as the model gets them. */
  readonly batch: readonly {
    readonly title: string;
    readonly note: string;
    readonly png: string;
  }[];
}

/** Images of a class that were taken for another one. */
interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  readonly count: number;
}

/** Classes of which a matrix on a page can still be read. */
export const MATRIX_CLASSES_MAX = 24;
const PAIRS_MAX = 12;

/** The most frequent mistakes. Pure. */
export function confusedPairs(
  counts: readonly (readonly number[])[],
  classes: readonly string[],
): ConfusedPair[] {
  const pairs = counts.flatMap((row, at) =>
    row.flatMap((count, guess) =>
      count > 0 && guess !== at
        ? [{ label: classes[at] ?? '', predicted: classes[guess] ?? '', count }]
        : [],
    ),
  );
  return pairs.sort((a, b) => b.count - a.count).slice(0, PAIRS_MAX);
}

/** Where the pictures of a run stand. */
type PicturesState =
  | { readonly state: 'none' }
  | { readonly state: 'working'; readonly step: number }
  | { readonly state: 'found'; readonly step: number; readonly json: string }
  | { readonly state: 'failed'; readonly step: number; readonly sentence: string };

/** A person waits for it: it is not the last of all. */
const PROGRAM: LookProgram = {
  script: new URL('./look-main.js', import.meta.url),
  niceness: 10,
  failed: ({ step }, reason) =>
    new TesseraError('INTERNAL', `pictures of step ${step} were not made: ${reason}`),
};

/** Looks at checkpoints for a page; a run that a page does not show any more is not known here. */
export class PictureMaker {
  readonly #start: (job: LookJob) => Look;
  readonly #states = new Map<string, PicturesState>();
  #current: Look | undefined;

  constructor(start = (job: LookJob): Look => startLook(PROGRAM, job)) {
    this.#start = start;
  }

  /** Where they stand, and the newest checkpoint, of which there are or can be some. */
  of({ id, view }: BoardRun): PicturesState & { readonly newest: number | null } {
    const state = this.#states.get(id) ?? { state: 'none' };
    return { ...state, newest: view.checkpoints.at(-1)?.step ?? null };
  }

  /** Begins to look at the newest checkpoint. Throws  USAGE when there is none, or another look is under way. */
  begin({ id, folder, view }: BoardRun): void {
    const newest = view.checkpoints.at(-1);
    if (newest === undefined) throw new TesseraError('USAGE', 'the run has no checkpoint yet');
    if (this.#current !== undefined) {
      throw new TesseraError('USAGE', 'another checkpoint is looked at: try again after that');
    }
    const { step } = newest;
    // The folder of the run may have been moved since.
    const checkpoint = join(checkpointsFolder(folder), basename(newest.folder));
    this.#states.set(id, { state: 'working', step });
    this.#current = this.#start({ folder: checkpoint, step });
    void this.#take(id, step, this.#current);
  }

  /** Ends what is under way. */
  close(): void {
    this.#current?.end();
  }

  async #take(id: string, step: number, { found }: Look): Promise<void> {
    try {
      const json = Buffer.from((await found).records).toString();
      this.#states.set(id, { state: 'found', step, json });
    } catch (thrown) {
      const { sentence } = TesseraError.from(thrown);
      this.#states.set(id, { state: 'failed', step, sentence });
    } finally {
      this.#current = undefined;
    }
  }
}
