/**
 * @file Two 32-bit sums of the bits of parameters: two versions that differ in one bit have other sums.
 *
 * Both are sums over single values modulo 2^32, so ranges may be summed in any order, on any thread, and added. The first is of
 * the bits alone: it shows any one value that changed. The second is of bits and place, mixed: it also shows values that
 * changed places, and changes that cancel out in the first.
 */
import { kernelsFor } from '../kernels/vectors.ts';

/** The sums of a range of a vector. Units  unsigned integers below 2^32. */
export interface ParameterSums {
  /** Sum of the values' bits. */
  readonly bits: number;
  /** Sum of the mixed bits and places. */
  readonly places: number;
}

/** The sums of nothing. */
export const NO_SUMS: ParameterSums = { bits: 0, places: 0 };

/** 2^32 divided by the golden ratio, odd: multiples of it are spread evenly. */
const STRIDE = 0x9e37_79b9;

/**
 * The sums of vector[first, limit): of the 32-bit words, and of `mix(word + index * STRIDE)`, where the index counts from
 * the start of the whole vector.
 *
 * Source  `mix` is the last step of MurmurHash3 (Austin Appleby, in the public domain), which maps words one to one.
 */
export function parameterSums(
  vector: Float32Array,
  first = 0,
  limit = vector.length,
): ParameterSums {
  const kernels = kernelsFor(vector);
  if (kernels !== undefined) {
    const both = kernels.parameterSums(vector.byteOffset + 4 * first, limit - first, first);
    return {
      bits: Number(BigInt.asUintN(32, both)),
      places: Number(BigInt.asUintN(32, both >> 32n)),
    };
  }
  const words = new Int32Array(vector.buffer, vector.byteOffset, vector.length);
  let bits = 0;
  let places = 0;
  let offset = Math.imul(first, STRIDE);
  for (let index = first; index < limit; index += 1) {
    const word = words[index] as number;
    bits = (bits + word) | 0;
    let mixed = (word + offset) | 0;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    places = (places + (mixed ^ (mixed >>> 16))) | 0;
    offset = (offset + STRIDE) | 0;
  }
  return { bits: bits >>> 0, places: places >>> 0 };
}

/** The sums of two ranges together. */
export function addSums(one: ParameterSums, other: ParameterSums): ParameterSums {
  return {
    bits: (one.bits + other.bits) >>> 0,
    places: (one.places + other.places) >>> 0,
  };
}

/** Sums as a record has them: two words of 8 hex digits, as in `0a1b2c3d-4e5f6071`. */
export function sumsText({ bits, places }: ParameterSums): string {
  return [bits, places].map((sum) => sum.toString(16).padStart(8, '0')).join('-');
}
