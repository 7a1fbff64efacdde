/** @file What the main thread and the threads that make images say to each other. */
import type { TesseraError } from '../../../core/errors.ts';
import type { DataConfig } from '../../options.ts';
import type { SharedBudget } from '../../pixels/budget.ts';
import type { Raster } from '../../pixels/raster.ts';
import type { StoredPixels } from '../drawing.ts';
import type { FinishedImages, Finishing } from '../finishing.ts';
import type { ImageOptions, ImageRequest } from '../image.ts';

/** What a thread is started with. */
export interface ThreadStart {
  readonly config: DataConfig;
  readonly options: ImageOptions;
  readonly budget: SharedBudget;
}

/** One image into its place, which all threads see; its sample's bytes are lent until the reply. */
interface ImageJob extends ImageRequest {
  readonly type: 'image';
  readonly target: StoredPixels;
}

/** The last steps of a leaf in shared memory: it comes back in memory of its own. */
export interface FinishJob {
  readonly type: 'finish';
  readonly images: StoredPixels;
  readonly weights: Float32Array;
  readonly finishing: Finishing;
}

export type Job = ImageJob | FinishJob;

/** What became of a job. */
export type JobResult =
  | { readonly type: 'image'; readonly kept: Raster | undefined }
  | ({ readonly type: 'finish' } & FinishedImages);

/** What one message asks for: several jobs, since a message costs the main thread more than a job. */
export type ThreadRequest = readonly Job[];

/** What became of a job, or why it failed. */
export type Outcome =
  | { readonly result: JobResult }
  | { readonly error: Pick<TesseraError, 'code' | 'sentence' | 'hint'> };

/** The outcomes of one message, in the order of its jobs; replies come in the order of the messages. */
export type ThreadReply = readonly Outcome[];
