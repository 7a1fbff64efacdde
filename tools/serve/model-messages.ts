/** @file What the thread with the model and the server say to each other. */
import type { ErrorCode } from '../../shared/core/errors.ts';
import type { ReadOptions } from '../inference/read/read-model.ts';

/** How the thread begins. */
export interface ModelThreadStart {
  readonly path: string;
  readonly options: ReadOptions;
  /** Images of one computation, at most. */
  readonly batch: number;
}

/** A failure in words. */
export interface Failure {
  readonly code: ErrorCode;
  readonly sentence: string;
  readonly hint?: string | undefined;
}

/** What is known of the model once it is open. */
export interface ModelDescription {
  /** The file of the weights. */
  readonly path: string;
  /** What it is called, for callers: of a run its name, else that of its file. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly engine: string;
  /** What to know of the weights and of how images are prepared. */
  readonly notes: readonly string[];
}

/** The logits of an image, or why there are none. */
export type ImageOutcome =
  | { readonly logits: Float32Array; readonly failure?: undefined }
  | { readonly failure: Failure };

/** Bytes of image files, to be computed. */
export type ModelRequest = readonly Uint8Array[] | 'close';

/** What the thread says: it is ready, one computation is done, or it has failed. */
export type ModelReply =
  | { readonly type: 'ready'; readonly model: ModelDescription }
  | { readonly type: 'computed'; readonly outcomes: readonly ImageOutcome[] }
  | { readonly type: 'failed'; readonly failure: Failure };
