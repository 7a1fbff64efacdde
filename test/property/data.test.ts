/** @file Laws of the pure data modules: permutation, batches, division, cache, idx, geometry. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { ByteCache } from '../../shared/data/cache.ts';
import { permutation } from '../../shared/data/permutation.ts';
import { planResize } from '../../shared/data/pixels/geometry.ts';
import {
  batchIndices,
  leafIndices,
  numBatches,
  numLeaves,
  sequentialIndices,
} from '../../shared/data/sampler.ts';
import { type IdxArray, IdxAssembler } from '../../shared/data/sets/idx-format.ts';
import { divide } from '../../shared/data/sets/split.ts';

const seeds = fc.integer({ min: 0, max: 0xffff_ffff });
const epochs = fc.integer({ min: 0, max: 1000 });

/** All samples of an epoch, batch after batch. */
function epochOrder(place: { seed: number; epoch: number; numSamples: number; batchSize: number }) {
  const count = numBatches(place.numSamples, place.batchSize);
  return Array.from({ length: count }, (_, batch) => batchIndices({ ...place, batch }));
}

describe('permutation', () => {
  it('reaches every element once, for every size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), seeds, epochs, (size, seed, counter) => {
        const elementAt = permutation({ size, seed, stream: 'shuffle', counter });
        const seen = new Set(sequentialIndices(size).map(elementAt));
        expect(seen.size).toBe(size);
        expect(Math.max(...seen)).toBe(size - 1);
      }),
      { numRuns: 100 },
    );
  });

  it('stays in range for sizes up to 2^32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), seeds, (size, seed) => {
        const elementAt = permutation({ size, seed, stream: 'shuffle', counter: 0 });
        const elements = [0, Math.floor(size / 2), size - 1].map(elementAt);
        expect(elements.every((element) => element >= 0 && element < size)).toBe(true);
        expect(new Set(elements).size).toBe(new Set([0, Math.floor(size / 2), size - 1]).size);
      }),
      { numRuns: 200 },
    );
  });

  it('brings every element to every position about equally often', () => {
    // 6 elements, 6,000 epochs: a count has mean 1,000 and deviation 29; 170 is beyond chance.
    const size = 6;
    const counts = new Uint32Array(size * size);
    for (let counter = 0; counter < 6000; counter += 1) {
      const elementAt = permutation({ size, seed: 7, stream: 'shuffle', counter });
      for (let p = 0; p < size; p += 1) counts[p * size + elementAt(p)]! += 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(830);
    expect(Math.max(...counts)).toBeLessThan(1170);
  });
});

describe('sampler', () => {
  it('gives every sample of an epoch once, in full batches but for the last (P4)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 80 }),
        seeds,
        epochs,
        (numSamples, batchSize, seed, epoch) => {
          const batches = epochOrder({ seed, epoch, numSamples, batchSize });
          const samples = batches.flatMap((batch) => [...batch]);
          expect(samples.toSorted((a, b) => a - b)).toEqual([...sequentialIndices(numSamples)]);
          expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('orders no two epochs and no two seeds alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 300 }), seeds, epochs, (numSamples, seed, epoch) => {
        const place = { seed, epoch, numSamples, batchSize: numSamples };
        const [order] = epochOrder(place);
        expect(epochOrder({ ...place, epoch: epoch + 1 })[0]).not.toEqual(order);
        expect(epochOrder({ ...place, seed: seed ^ 1 })[0]).not.toEqual(order);
        expect(epochOrder(place)[0]).toEqual(order);
      }),
      { numRuns: 100 },
    );
  });

  it('cuts a batch into leaves that join to the batch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 70 }),
        (length, microBatch) => {
          const batch = sequentialIndices(length);
          const leaves = Array.from({ length: numLeaves(length, microBatch) }, (_, leaf) =>
            leafIndices(batch, leaf, microBatch),
          );
          expect(leaves.every((leaf) => leaf.length > 0 && leaf.length <= microBatch)).toBe(true);
          expect(leaves.flatMap((leaf) => [...leaf])).toEqual([...batch]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('divide', () => {
  it('puts every sample into one split, each class by its share, the whole by the fraction', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 400 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        seeds,
        (labels, fraction, seed) => {
          const how = { labels, numClasses: 6, fraction, seed, stream: 'split' } as const;
          const { kept: train, drawn: test } = divide(how);
          const all = [...train, ...test].sort((a, b) => a - b);
          expect(all).toEqual([...sequentialIndices(labels.length)]);
          expect(train).toEqual(train.toSorted());
          for (const label of new Set(labels)) {
            const size = labels.filter((other) => other === label).length;
            const inTest = test.filter((position) => labels[position] === label).length;
            expect(Math.abs(inTest - size * fraction)).toBeLessThan(1);
            expect(inTest).toBeLessThan(size);
          }
          expect(test.length).toBeLessThanOrEqual(Math.round(labels.length * fraction));
          expect(divide(how)).toEqual({ kept: train, drawn: test });
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('ByteCache', () => {
  it('does what a list ordered by last use does, and never holds more than its limit', () => {
    const command = fc.record({
      isSet: fc.boolean(),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      sizeBytes: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
        const cache = new ByteCache<number>(100);
        let model: { key: string; value: number; sizeBytes: number }[] = [];
        for (const [value, { isSet, key, sizeBytes }] of commands.entries()) {
          const kept = model.find((entry) => entry.key === key);
          if (!isSet) expect(cache.get(key)).toBe(kept?.value);
          const entry = isSet ? { key, value, sizeBytes: sizeBytes * 2 } : kept;
          model = model.filter((other) => other.key !== key);
          if (isSet) cache.set(key, value, sizeBytes * 2);
          if (entry !== undefined && entry.sizeBytes <= 100) {
            model.push(entry);
            while (sum(model.map((each) => each.sizeBytes)) > 100) model.shift();
          }
          expect(cache.usedBytes).toBe(sum(model.map((each) => each.sizeBytes)));
          expect(cache.usedBytes).toBeLessThanOrEqual(100);
          expect(model.every((each) => cache.has(each.key))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** Reads an idx file that comes in pieces of `pieceBytes`. */
function readIdx(bytes: Uint8Array, pieceBytes: number): IdxArray {
  const file = new IdxAssembler('x', 2000);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    file.add(bytes.subarray(at, at + pieceBytes));
  }
  return file.finish();
}

describe('an idx file in pieces', () => {
  const pieces = fc.integer({ min: 1, max: 30 });

  it('reads back what a header and its elements say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
        pieces,
        (shape, pieceBytes) => {
          const length = shape.reduce((product, size) => product * size, 1);
          const data = Uint8Array.from({ length }, (_, i) => i);
          expect(readIdx(idxFile(shape, data), pieceBytes)).toEqual({ shape, data });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is what its header says, to the byte, or DATA_INVALID', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(
          fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 6 }),
          fc.uint8Array(),
        )
        .map(([shape, data]) => idxFile(shape, data)),
    );
    fc.assert(
      fc.property(hostile, pieces, (bytes, pieceBytes) => {
        try {
          const { shape, data } = readIdx(bytes, pieceBytes);
          expect(bytes.subarray(4 + 4 * shape.length)).toEqual(data);
        } catch (error) {
          expect(TesseraError.from(error).code).toBe('DATA_INVALID');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('planResize', () => {
  it('cuts only what is there, and ends at the square', () => {
    const side = fc.integer({ min: 1, max: 5000 });
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const region = fc.record({
      area: fc.double({ min: 0.001, max: 1, noNaN: true }),
      aspect: fc.double({ min: 0.75, max: 4 / 3, noNaN: true }),
      left: unit,
      top: unit,
    });
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side }),
        fc.record({
          imageSize: fc.integer({ min: 1, max: 512 }),
          resize: fc.constantFrom('stretch', 'crop'),
          cropFraction: fc.double({ min: 0.1, max: 1, noNaN: true }),
        }),
        fc.option(region, { nil: undefined }),
        (size, options, part) => {
          const { cutBefore, scaleTo, cutAfter } = planResize(size, options, part);
          for (const [box, around] of [
            [cutBefore, size],
            [cutAfter, scaleTo],
          ] as const) {
            if (box === undefined) continue;
            expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
            expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(1);
            expect(box.left + box.width).toBeLessThanOrEqual(around.width);
            expect(box.top + box.height).toBeLessThanOrEqual(around.height);
          }
          const { width, height } = cutAfter ?? scaleTo;
          expect([width, height]).toEqual([options.imageSize, options.imageSize]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function idxFile(shape: readonly number[], data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 + shape.length);
  for (const [i, size] of shape.entries()) view.setUint32(4 + 4 * i, size);
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
