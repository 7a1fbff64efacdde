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

/** One image into its place, which all threads see; its sample's bytes move. */
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

/** Replies come in the order of the jobs. */
export type ThreadReply =
  | { readonly result: JobResult }
  | { readonly error: Pick<TesseraError, 'code' | 'sentence' | 'hint'> };
