/**
 * @file Counter-based random numbers: value = hash(seed, stream, counters).
 *
 * There is no generator state, so any worker can compute the numbers of any sample, and a resume replays nothing.
 * Source  the mixing steps are MurmurHash3's 32-bit block and finaliser (Appleby, public domain), run twice.
 */

/** What the numbers are for; streams of one seed are independent of each other. */
export type RandomStream =
  | 'init'
  | 'split'
  | 'shuffle'
  | 'augment'
  | 'jitter'
  | 'faults'
  | 'dropout'
  | 'mix'
  | 'identity'
  | 'validation';

const STREAM_IDS: Readonly<Record<RandomStream, number>> = {
  init: 1,
  split: 2,
  shuffle: 3,
  augment: 4,
  jitter: 5,
  faults: 6,
  dropout: 7,
  mix: 8,
  identity: 9,
  validation: 10,
};

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  hash ^= Math.imul(k, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 32 random bits for a seed, a stream and up to a few counters, as an unsigned integer. */
export function randomBits(seed: number, stream: RandomStream, ...counters: number[]): number {
  let hash = mix(finish(seed | 0), STREAM_IDS[stream]);
  for (const counter of counters) {
    hash = mix(hash, counter | 0);
    hash = mix(hash, Math.floor(counter / 0x1_0000_0000) | 0);
  }
  return finish(hash);
}

/** A number in [0, 1) with 32 random bits. */
export function randomUnit(seed: number, stream: RandomStream, ...counters: number[]): number {
  return randomBits(seed, stream, ...counters) / 0x1_0000_0000;
}

/** An integer in [0, limit). */
export function randomInteger(
  limit: number,
  seed: number,
  stream: RandomStream,
  ...counters: number[]
): number {
  return Math.floor(randomUnit(seed, stream, ...counters) * limit);
}

/** A standard normal number (Box-Muller; it uses the counter after the given ones). */
export function randomNormal(seed: number, stream: RandomStream, ...counters: number[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - randomUnit(seed, stream, ...counters, 0)));
  return radius * Math.cos(2 * Math.PI * randomUnit(seed, stream, ...counters, 1));
}

/**
 * Fills `target` with 1, or with 0 with probability `rate`, from one 32-bit key: 16 random bits a value.
 *
 * For masks of millions of values, where one call a value would cost more than the model.
 */
export function fillKept(target: Uint8Array, key: number, rate: number): void {
  const threshold = Math.round(rate * 0x1_0000);
  const start = mix(finish(key | 0), key | 0);
  for (let i = 0; i < target.length; i += 2) {
    const bits = finish(mix(start, i));
    target[i] = (bits & 0xffff) < threshold ? 0 : 1;
    if (i + 1 < target.length) target[i + 1] = bits >>> 16 < threshold ? 0 : 1;
  }
}
