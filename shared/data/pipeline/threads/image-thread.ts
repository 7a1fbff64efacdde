/**
 * @file A thread that makes images: decodes, resamples, augments and writes them, one after the other.
 *
 * What libvips decodes is decoded in a thread of libuv meanwhile, so a thread here takes one core, not two.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, TesseraError } from '../../../core/errors.ts';
import { decoding } from '../../pixels/libvips.ts';
import type { Raster } from '../../pixels/raster.ts';
import { imageAt, type StoredPixels } from '../drawing.ts';
import { finishLeaf } from '../finishing.ts';
import { ImageMaker } from '../image.ts';
import type {
  FinishJob,
  Job,
  JobResult,
  Outcome,
  ThreadReply,
  ThreadRequest,
  ThreadStart,
} from './messages.ts';

function main(): void {
  const port = parentPort;
  assert(port !== null, 'image-thread runs as a worker thread');
  const { config, options, budget } = workerData as ThreadStart;
  decoding.shareWith(budget);
  const maker = new ImageMaker(config, options);
  const serve = async (jobs: ThreadRequest): Promise<void> => {
    const outcomes: Outcome[] = [];
    for (const job of jobs) outcomes.push(await outcomeOf(maker, job));
    const reply: ThreadReply = outcomes;
    port.postMessage(reply, outcomes.flatMap(memoryOf));
  };
  let queue = Promise.resolve();
  port.on('message', (jobs: ThreadRequest) => {
    queue = queue.then(() => serve(jobs));
  });
}

async function outcomeOf(maker: ImageMaker, job: Job): Promise<Outcome> {
  try {
    return { result: await resultOf(maker, job) };
  } catch (thrown) {
    const { code, sentence, hint } = TesseraError.from(thrown);
    return { error: { code, sentence, hint } };
  }
}

/** What moves with an outcome. */
function memoryOf(outcome: Outcome): ArrayBuffer[] {
  const isFinished = 'result' in outcome && outcome.result.type === 'finish';
  return isFinished ? [(outcome.result as { images: StoredPixels }).images.buffer] : [];
}

async function resultOf(maker: ImageMaker, job: Job): Promise<JobResult> {
  if (job.type === 'finish') return { type: 'finish', ...finished(job) };
  // Decoders take no memory that threads share.
  const sample = { ...job.sample, bytes: job.sample.bytes.slice() };
  const kept = await maker.make({ ...job, sample }, job.target);
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
