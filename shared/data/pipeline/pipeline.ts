/**
 * @file The images of a run, one by one into the places of a leaf, in the thread that asks.
 *
 * What later epochs need of an image is kept, within a bound, since decoding costs far more than the rest. Images are kept
 * in the order in which they come and never make room, since every epoch visits all of them.
 */
import { ByteCache } from '../cache.ts';
import type { DataConfig } from '../options.ts';
import type { Raster } from '../pixels/raster.ts';
import type { EncodedSample } from '../source.ts';
import type { Storage, Storages, StoredPixels } from './drawing.ts';
import type { FinishedImages, Finishing } from './finishing.ts';
import { ImageMaker, type ImageOptions, keptName } from './image.ts';

/**
 * Images that are read and decoded at one time: two for each of libuv's threads, so that none waits for the disk; more
 * would only keep more files in memory, which may be large.
 */
export const IMAGES_AT_ONCE = 8;

const ARRAYS = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array } as const;

/** Prepares the images of one run. Samples that differ must have names that differ. */
export interface ImagePipeline<P = Float32Array<ArrayBuffer>> {
  /** Images that are worth reading at one time; IMAGES_AT_ONCE by default. */
  readonly imagesAtOnce?: number;
  /** Memory for so many values, all 0. */
  allocate(values: number): P;
  /**
   * Writes one image into `target`; without an epoch it is a test image and not augmented.
   *
   * Shapes  target is [channels, imageSize, imageSize], of `allocate`.
   * Throws  DATA_INVALID when the sample cannot be decoded.
   */
  load(sample: EncodedSample, epoch: number | undefined, target: P): Promise<void>;
  /** Finishes a leaf of `allocate`, which is the pipeline's again; `finishLeaf` by default. */
  finish?(images: P, weights: Float32Array, finishing: Finishing): Promise<FinishedImages>;
  /** Ends its threads, where it has some. */
  close?(): Promise<void>;
}

/** The options of a pipeline; pixels are float32 unless another storage is named. */
export type PipelineOptions<S extends Storage> = Omit<ImageOptions, 'storage'> & {
  readonly storage?: S;
};

/** Makes the pipeline of a run; it keeps at most half of `config.cacheBytes`, the other half is for encoded samples. */
export function createImagePipeline<S extends Storage = 'float32'>(
  config: DataConfig,
  { imageSize, seed, storage = 'float32' as S }: PipelineOptions<S>,
): ImagePipeline<Storages[S]> {
  const maker = new ImageMaker(config, { imageSize, seed, storage });
  const kept = new KeptImages(config, imageSize);
  return {
    allocate: (values) => newPixels(storage, values),
    load: (sample, epoch, target) =>
      kept.around(sample, epoch, (before) => maker.make({ sample, epoch, ...before }, target)),
  };
}

/** Zeros in a storage. */
function newPixels<S extends Storage>(storage: S, values: number): Storages[S] {
  return new ARRAYS[storage](values) as Storages[S];
}

/** Zeros in a storage that threads share. */
export function sharedPixels<S extends Storage>(storage: S, values: number): Storages[S] {
  const { BYTES_PER_ELEMENT } = ARRAYS[storage];
  const buffer = new SharedArrayBuffer(values * BYTES_PER_ELEMENT);
  // Views of both kinds of memory are used alike; only a transfer distinguishes them.
  return new ARRAYS[storage](buffer as unknown as ArrayBuffer) as Storages[S];
}

/** Whether pixels are in memory that threads share. */
export function isShared({ buffer }: StoredPixels): boolean {
  return (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}

/** What is kept of images, as many as fit. */
export class KeptImages {
  readonly #config: DataConfig;
  readonly #imageSize: number;
  readonly #cache: ByteCache<Raster>;

  constructor(config: DataConfig, imageSize: number) {
    this.#config = config;
    this.#imageSize = imageSize;
    this.#cache = new ByteCache(Math.floor(config.cacheBytes / 2));
  }

  /** Makes an image with what is kept of it, and keeps what comes back. */
  async around(
    sample: EncodedSample,
    epoch: number | undefined,
    make: (before: {
      readonly kept: Raster | undefined;
      readonly roomBytes: number;
    }) => Promise<Raster | undefined>,
  ): Promise<void> {
    const name = keptName(this.#config, this.#imageSize, sample, epoch);
    const kept = name === undefined ? undefined : this.#cache.get(name);
    const made = await make({ kept, roomBytes: name === undefined ? 0 : this.#cache.freeBytes });
    if (name === undefined || made === undefined) return;
    const { byteLength } = made.pixels;
    if (byteLength <= this.#cache.freeBytes) this.#cache.set(name, made, byteLength);
  }
}
