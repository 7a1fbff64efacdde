/**
 * @file Photos by Tessera: decoded, cut and resized in one thread, or whole leaves by several. Asked by lines, replies
 * with lines of JSON.
 *
 * `training SECONDS` and `testing SECONDS` make squares one after the other; `threads N SECONDS` makes augmented leaves.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { dataOptions } from '../../shared/data/options.ts';
import { type DecodeOptions, decodeImage } from '../../shared/data/pipeline/decode.ts';
import { finishedLeaf } from '../../shared/data/pipeline/leaf.ts';
import { createPooledPipeline } from '../../shared/data/pipeline/threads/pooled-pipeline.ts';
import type { CropRegion } from '../../shared/data/pixels/geometry.ts';
import type { EncodedSample } from '../../shared/data/source.ts';
import { letHeapsGrow } from '../../shared/machine/heap.ts';

/** What is measured. */
export interface InputRequest {
  readonly photos: readonly { readonly path: string; readonly region: CropRegion }[];
  readonly side: number;
  readonly cropFraction: number;
}

/** Images of a leaf, and leaves that are in preparation at one time. */
const LEAF = 8;
const LEAVES_AT_ONCE = 4;

const request = JSON.parse(process.argv[2] ?? '') as InputRequest;
const { photos, side, cropFraction } = request;
const options: DecodeOptions = {
  ...{ imageSize: side, channels: 3, cropFraction, background: undefined },
  ...{ interpolation: 'bicubic', resize: 'crop' },
};
const say = (values: object) => process.stdout.write(`${JSON.stringify(values)}\n`);

function sampleAt(place: number, bytes: Uint8Array): EncodedSample {
  return { index: place, label: 0, name: String(place), raw: undefined, bytes };
}

/** The square of a photo, from its file. */
async function squareAt(place: number, isCropped: boolean): Promise<Uint8Array> {
  const { path, region } = photos[place] as InputRequest['photos'][number];
  const sample = sampleAt(place, readFileSync(path));
  return await decodeImage(sample, options, isCropped ? region : undefined);
}

async function digest(isCropped: boolean): Promise<string> {
  const sums = createHash('sha256');
  for (const place of photos.keys()) sums.update(await squareAt(place, isCropped));
  return sums.digest('hex');
}

/** Does rounds of work until the time is over. Units  images, images/s, images per second of processor time. */
async function measured(seconds: number, round: () => Promise<number>): Promise<object> {
  const [beganMs, began, mainBegan] = [performance.now(), process.cpuUsage(), mainThreadMs()];
  let count = 0;
  while (performance.now() - beganMs < 1000 * seconds) count += await round();
  const spentMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(began);
  return {
    perSecond: (1000 * count) / spentMs,
    perCoreSecond: (1e6 * count) / (user + system),
    mainThreadMs: (mainThreadMs() - mainBegan) / count,
  };
}

/** Processor time of the main thread, as Linux counts it; NaN elsewhere. */
function mainThreadMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

async function inOneThread(isCropped: boolean): Promise<number> {
  for (const place of photos.keys()) await squareAt(place, isCropped);
  return photos.length;
}

/** A thread that takes leaves, as that which computes: they move to it. */
const TAKER = "require('node:worker_threads').parentPort.on('message', () => {})";

/** Leaves of a run that trains, of files that the worker has fetched; nothing that is made is kept. */
async function byThreads(threads: number, seconds: number): Promise<object> {
  const files = photos.map(({ path }) => readFileSync(path));
  const config = dataOptions.parse({
    ...{ source: 'image-folder', transfer: 'uint8', cacheBytes: 1 },
    augment: { flip: true, cropScale: [0.35, 1] },
  });
  const pipeline = createPooledPipeline(
    config,
    { imageSize: side, seed: 1, storage: 'uint8' },
    { threads },
  );
  const taker = new Worker(TAKER, { eval: true });
  let epoch = 0;
  const leaf = async (first: number) => {
    epoch += 1;
    const { images } = await finishedLeaf(
      {
        ...{ pipeline, epoch, microBatch: LEAF, numSamples: LEAF, imageFloats: 3 * side ** 2 },
        read: async (place) => {
          const at = (first + place) % photos.length;
          return sampleAt(at, files[at] as Uint8Array);
        },
      },
      { mixtures: undefined, imageSize: side, isHalved: false },
    );
    taker.postMessage(images, [images.buffer]);
  };
  // Ends when all leaves of a round are there, so a round has many.
  const round = async () => {
    const lanes = Array.from({ length: LEAVES_AT_ONCE }, async (_, lane) => {
      for (let at = lane * LEAF; at < photos.length; at += LEAF * LEAVES_AT_ONCE) await leaf(at);
    });
    await Promise.all(lanes);
    return photos.length;
  };
  await round();
  const result = await measured(seconds, round);
  await pipeline.close?.();
  await taker.terminate();
  return result;
}

// As in a worker's process.
letHeapsGrow();
say({ training: await digest(true), testing: await digest(false) });
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...numbers] = line.split(' ');
  const [first = 0, second = 0] = numbers.map(Number);
  if (name === 'threads') say(await byThreads(first, second));
  else say(await measured(first, () => inOneThread(name === 'training')));
}
