/**
 * @file The images of a run, made by threads: they write into leaves that all see, so the main thread touches no pixel.
 *
 * What is tiny and needs no decoder, such as digits, is made where it is asked for: a message would cost more. Which
 * thread makes an image, and whether one does, changes no bit.
 */
import type { DataConfig } from '../../options.ts';
import type { EncodedSample } from '../../source.ts';
import type { Storage, Storages, StoredPixels } from '../drawing.ts';
import { type FinishedImages, type Finishing, finishLeaf } from '../finishing.ts';
import {
  createImagePipeline,
  IMAGES_AT_ONCE,
  type ImagePipeline,
  isShared,
  KeptImages,
  type PipelineOptions,
  sharedPixels,
} from '../pipeline.ts';
import type { JobResult } from './messages.ts';
import { ImagePool, type PoolOptions } from './pool.ts';

/** Side of the largest raw picture that is made where it is asked for. */
const TINY_SIDE = 64;

/** Leaves whose memory waits to be used again. */
const SPARES_MAX = 4;

/** What is needed of a sample that was kept. */
const NO_BYTES = new Uint8Array(0);

/** Images for each thread that are read at one time: one that it makes, one that it has, one that comes. */
const READ_PER_THREAD = 3;

/** Makes the pipeline of a run on so many threads; 0 means none. */
export function createPooledPipeline<S extends Storage = 'float32'>(
  config: DataConfig,
  options: PipelineOptions<S>,
  { threads, entry }: Pick<PoolOptions, 'threads' | 'entry'>,
): ImagePipeline<Storages[S]> {
  const inline = createImagePipeline(config, options);
  if (threads === 0) return inline;
  const { imageSize, storage = 'float32' as S } = options;
  const pool = new ImagePool({ config, options: { ...options, storage }, threads, entry });
  const kept = new KeptImages(config, imageSize);
  const spares: Storages[S][] = [];
  // Other sources show it by their first sample.
  let isPooled = config.source === 'image-folder';
  const isTiny = ({ raw }: EncodedSample) =>
    raw !== undefined && Math.max(raw.width, raw.height, imageSize) <= TINY_SIDE;

  return {
    imagesAtOnce: Math.max(IMAGES_AT_ONCE, READ_PER_THREAD * threads),
    allocate(values) {
      if (!isPooled || values === 0) return inline.allocate(values);
      const at = spares.findIndex(({ length }) => length === values);
      return spares.splice(at, at < 0 ? 0 : 1)[0] ?? sharedPixels(storage, values);
    },
    async load(sample, epoch, target) {
      if (isTiny(sample)) return await inline.load(sample, epoch, target);
      isPooled = true;
      if (!isShared(target)) return await inline.load(sample, epoch, target);
      await kept.around(sample, epoch, async (before) => {
        const needed = before.kept === undefined ? sample : { ...sample, bytes: NO_BYTES };
        const result = await pool.run({ type: 'image', epoch, target, ...before, sample: needed });
        return imageResult(result).kept;
      });
    },
    async finish(images, weights, finishing): Promise<FinishedImages> {
      if (!isShared(images)) return finishLeaf(images, weights, finishing);
      const { type: _, ...finished } = await finishOn(pool, images, weights, finishing);
      if (spares.length < SPARES_MAX) spares.push(images);
      return finished;
    },
    close: () => pool.close(),
  };
}

async function finishOn(
  pool: ImagePool,
  images: StoredPixels,
  weights: Float32Array,
  finishing: Finishing,
): Promise<Extract<JobResult, { type: 'finish' }>> {
  const result = await pool.run({ type: 'finish', images, weights, finishing }, true);
  return result as Extract<JobResult, { type: 'finish' }>;
}

function imageResult(result: JobResult): Extract<JobResult, { type: 'image' }> {
  return result as Extract<JobResult, { type: 'image' }>;
}
