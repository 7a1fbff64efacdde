/**
 * @file A thread that makes images: decodes, resamples, augments and writes them, one after the other.
 *
 * libvips decodes in a thread of libuv meanwhile, so a thread here takes one core, not two.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, TesseraError } from '../../../core/errors.ts';
import { decoding } from '../../pixels/libvips.ts';
import type { Raster } from '../../pixels/raster.ts';
import { imageAt, type StoredPixels } from '../drawing.ts';
import { finishLeaf } from '../finishing.ts';
import { ImageMaker } from '../image.ts';
import type { FinishJob, Job, JobResult, ThreadReply, ThreadStart } from './messages.ts';

function main(): void {
  const port = parentPort;
  assert(port !== null, 'image-thread runs as a worker thread');
  const { config, options, budget } = workerData as ThreadStart;
  decoding.shareWith(budget);
  const maker = new ImageMaker(config, options);
  const reply = (message: ThreadReply, moved: ArrayBuffer[] = []) =>
    port.postMessage(message, moved);
  const serve = async (job: Job): Promise<void> => {
    try {
      const result = await resultOf(maker, job);
      const moved = result.type === 'finish' ? [result.images.buffer] : [];
      reply({ result }, moved);
    } catch (thrown) {
      const { code, sentence, hint } = TesseraError.from(thrown);
      reply({ error: { code, sentence, hint } });
    }
  };
  let queue = Promise.resolve();
  port.on('message', (job: Job) => {
    queue = queue.then(() => serve(job));
  });
}

async function resultOf(maker: ImageMaker, job: Job): Promise<JobResult> {
  if (job.type === 'finish') return { type: 'finish', ...finished(job) };
  const kept = await maker.make(job, job.target);
  return { type: 'image', kept: kept && inSharedMemory(kept) };
}

/** A leaf in memory of its own; places without an image are black, whatever was there before. */
function finished({ images, weights, finishing }: FinishJob) {
  for (const [place, weight] of weights.entries()) {
    if (weight === 0) imageAt(images, place, weights.length).fill(0);
  }
  const { images: pixels, shares } = finishLeaf(images, weights, finishing);
  return { images: pixels === images ? (pixels.slice() as StoredPixels) : pixels, shares };
}

/** Kept images are looked at by all threads. */
function inSharedMemory({ pixels, ...size }: Raster): Raster {
  const shared = new Uint8Array(new SharedArrayBuffer(pixels.length));
  shared.set(pixels);
  return { ...size, pixels: shared };
}

main();
