/**
 * @file SIMD kernels make the bits of the plain loops: each function is called on vectors that kernels reach and on
 * copies that they do not, with every kind of float32, any length and any beginning.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundToBfloat16 } from '../../shared/kernels/bfloat16.ts';
import {
  addBfloat16Into,
  addInto,
  firstNonFinite,
  fromBfloat16,
  roundBfloat16,
  toBfloat16,
} from '../../shared/kernels/values.ts';
import { kernelsFor, VectorMemory } from '../../shared/kernels/vectors.ts';
import { updateAverage } from '../../shared/training/average.ts';
import { sumOfSquares } from '../../shared/training/clip.ts';
import { type OptimizerState, updateParameters } from '../../shared/training/optimizer.ts';
import { parameterSums } from '../../shared/training/parameter-sums.ts';

const memory = new VectorMemory();

/** Bits of any float32 but a NaN: zeros of both signs, subnormals, infinities, the largest. */
const finiteBits = fc.oneof(
  fc.constantFrom(
    0,
    0x8000_0000,
    1,
    0x8000_0001,
    0x007f_ffff,
    0x7f7f_ffff,
    0xff7f_ffff,
    0x3f80_8000,
  ),
  fc
    .integer({ min: 0, max: 0xffff_ffff })
    .map((bits) => ((bits & 0x7f80_0000) === 0x7f80_0000 ? bits & 0xbfff_ffff : bits)),
  fc
    .float({ min: -100, max: 100, noNaN: true })
    .map((value) => new Uint32Array(Float32Array.of(value).buffer)[0]!),
);
const anyBits = fc.oneof(
  { weight: 9, arbitrary: finiteBits },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001, 0xffff_ffff),
  },
);
const vectorOf = (bits: fc.Arbitrary<number>, length: number) =>
  fc
    .array(bits, { minLength: length, maxLength: length })
    .map((words) => new Float32Array(Uint32Array.from(words).buffer));

/** `count` vectors of one length, and a range of it. */
const vectorsAndRange = (count: number, bits = finiteBits) =>
  fc
    .tuple(fc.nat(40), fc.nat(40))
    .chain(([length, at]) =>
      fc.tuple(
        fc.tuple(...Array.from({ length: count }, () => vectorOf(bits, length))),
        fc.constant(Math.min(at, length)),
        fc.integer({ min: Math.min(at, length), max: length }),
      ),
    );

const bitsOf = (values: Float32Array) => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.length),
];
/** Bits with all NaNs as one: which NaN an operation makes is the processor's business. */
const resultsOf = (values: Float32Array) =>
  bitsOf(values).map((bits) => ((bits & 0x7fff_ffff) > 0x7f80_0000 ? 'NaN' : bits));

/** Calls `work` on the vectors and on copies that kernels reach; compares what it answers, and all vectors after it. */
function compare<T>(vectors: readonly Float32Array[], work: (vectors: Float32Array[]) => T): void {
  const near = vectors.map((vector) => memory.copyOf(vector));
  const far = vectors.map((vector) => vector.slice());
  try {
    expect(near.every((vector) => kernelsFor(vector) !== undefined)).toBe(true);
    expect(work(near)).toEqual(work(far));
    expect(near.map(resultsOf)).toEqual(far.map(resultsOf));
  } finally {
    for (const vector of near) memory.release(vector);
  }
}

describe('on vectors that kernels reach, the same bits come of', () => {
  it('adding', () => {
    fc.assert(
      fc.property(vectorsAndRange(2, anyBits), ([vectors, first, limit]) =>
        compare(vectors, ([target, source]) => addInto(target!, source!, first, limit)),
      ),
    );
  });

  it('adding in bfloat16', () => {
    fc.assert(
      fc.property(vectorsAndRange(2, anyBits), ([vectors, first, limit]) =>
        compare(vectors, ([target, source]) => addBfloat16Into(target!, source!, first, limit)),
      ),
    );
  });

  it('the look for what is not finite', () => {
    fc.assert(
      fc.property(vectorsAndRange(1, anyBits), ([vectors, first, limit]) =>
        compare(vectors, ([values]) => firstNonFinite(values!, first, limit)),
      ),
    );
  });

  it('sums of squares, also when they go on', () => {
    fc.assert(
      fc.property(
        vectorsAndRange(1),
        fc.double({ min: 0, noNaN: true }),
        ([vectors, first, limit], sum) =>
          compare(vectors, ([values]) => sumOfSquares(values!, first, limit, sum)),
      ),
    );
  });

  it('the moving average', () => {
    fc.assert(
      fc.property(
        vectorsAndRange(2, anyBits),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ([vectors, first, limit], decay) =>
          compare(vectors, ([average, values]) =>
            updateAverage(average!, values!, decay, first, limit),
          ),
      ),
    );
  });

  it('rounding to bfloat16, and back from it', () => {
    fc.assert(
      fc.property(vectorsAndRange(2, anyBits), ([vectors, first, limit]) =>
        compare(vectors, ([values, other]) => {
          const halves = new Uint16Array(values!.buffer, values!.byteOffset, values!.length);
          toBfloat16(halves, other!);
          fromBfloat16(other!, halves);
          roundBfloat16(values!, first, limit);
        }),
      ),
    );
  });

  it('the two sums of parameters', () => {
    fc.assert(
      fc.property(vectorsAndRange(1, anyBits), ([vectors, first, limit]) =>
        compare(vectors, ([values]) => parameterSums(values!, first, limit)),
      ),
    );
  });
});

describe('on long vectors elsewhere, which kernels add block by block, the same bits come of', () => {
  /** Two blocks and a part of a third. */
  const LENGTH = 20_000;
  const longVector = fc
    .array(anyBits, { minLength: 7, maxLength: 60 })
    .map((bits) => Uint32Array.from({ length: LENGTH }, (_, i) => bits[i % bits.length]!))
    .map((words) => new Float32Array(words.buffer));
  const range = fc.tuple(fc.nat(LENGTH), fc.nat(LENGTH)).map((ends) => ends.sort((a, b) => a - b));

  it.each([
    ['adding', addInto, Math.fround],
    ['adding in bfloat16', addBfloat16Into, roundToBfloat16],
  ] as const)('%s', (_, add, rounded) => {
    fc.assert(
      fc.property(longVector, longVector, range, (target, source, [first, limit]) => {
        const wanted = target.map((value, i) =>
          i < first! || i >= limit! ? value : rounded(value + source[i]!),
        );
        add(target, source, first, limit);
        expect(Buffer.compare(numbersOf(target), numbersOf(wanted))).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  /** Bytes with all NaNs as one. */
  const numbersOf = (values: Float32Array) =>
    Buffer.from(values.map((value) => (Number.isNaN(value) ? Number.NaN : value)).buffer);
});

const scalar = (max: number) => fc.double({ min: 0, max, noNaN: true, maxExcluded: max === 1 });

describe('an optimizer step on vectors that kernels reach makes the same bits, with', () => {
  const update = fc.record({
    learningRate: scalar(1),
    weightDecay: fc.oneof(fc.constant(0), scalar(0.5)),
    beta1: scalar(1),
    beta2: scalar(1),
    epsilon: fc.constantFrom(1e-8, 1e-6),
    momentum: fc.oneof(fc.constant(0), scalar(1)),
    scale: scalar(2),
    step: fc.integer({ min: 1, max: 1000 }),
    layerDecay: fc.constant(1),
  });
  it.each(['adamw', 'adam', 'sgd'] as const)('%s', (name) => {
    fc.assert(
      fc.property(vectorsAndRange(5), update, fc.nat(8), ([vectors, first, limit], how, keep) => {
        const { scale, step, learningRate, ...rest } = how;
        const size = vectors[0]!.length;
        const frozen = Math.min(keep, size);
        // Second moments are not negative.
        vectors[4] = vectors[4]!.map(Math.abs);
        compare(vectors, ([parameters, into, ...others]) => {
          const [gradient, one, two] = others.map((vector) => vector.subarray(frozen));
          const state: OptimizerState = { m: one!, momentum: one!, v: two! };
          return updateParameters({
            config: { name, learningRate, ...rest },
            table: {
              entries: [{ name: 'a', shape: [size], offset: 0, size, decays: true, layer: 0 }],
              size,
            },
            ...{ parameters: parameters!, into: into!, gradient: gradient!, state, frozen },
            ...{ learningRate, step, scale, first, limit },
          });
        });
      }),
      { numRuns: 300 },
    );
  });
});
