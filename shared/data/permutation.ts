/**
 * @file A random order of 0 .. size - 1 in which any position is found without the others.
 *
 * A Feistel network permutes the smallest power of two that holds the size, whatever its round function
 * is; positions that leave the range are sent through again ("cycle walking"), twice at most on average.
 * Source  Black and Rogaway, "Ciphers with arbitrary finite domains" (CT-RSA 2002), the second and third methods.
 */
import { assert } from '../core/errors.ts';
import { type RandomStream, randomBits } from '../core/random.ts';

/** Rounds of the network: four make it a good permutation, the rest is for sizes of a few bits. */
const ROUNDS = 8;

/** The inputs of a permutation. */
export interface PermutationOptions {
  /** Elements, at most 2^32. */
  readonly size: number;
  readonly seed: number;
  readonly stream: RandomStream;
  /** Which one of the stream's permutations (an epoch, a class). */
  readonly counter: number;
}

/** Returns the function from a position in the random order to the element there. */
export function permutation(options: PermutationOptions): (position: number) => number {
  const { size, seed, stream, counter } = options;
  assert(Number.isInteger(size) && size >= 1 && size <= 2 ** 32, `permutation of size ${size}`);
  const bits = size === 1 ? 0 : 32 - Math.clz32(size - 1);
  const lowBits = Math.ceil(bits / 2);
  const lowMask = 2 ** lowBits - 1;
  const highMask = 2 ** (bits - lowBits) - 1;

  function scramble(value: number): number {
    let low = value & lowMask;
    let high = (value >>> lowBits) & highMask;
    for (let round = 0; round < ROUNDS; round += 2) {
      low ^= randomBits(seed, stream, counter, round, high) & lowMask;
      high ^= randomBits(seed, stream, counter, round + 1, low) & highMask;
    }
    return ((high << lowBits) | low) >>> 0;
  }

  return (position) => {
    assert(position >= 0 && position < size, `position ${position} of ${size}`);
    let value = scramble(position);
    while (value >= size) value = scramble(value);
    return value;
  };
}
