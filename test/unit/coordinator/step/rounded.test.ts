/** @file Rounded parameters: made once a version, and not written over while the next version is made. */
import { expect, it } from 'vitest';
import { inlineReducers, type Reducers } from '../../../../coordinator/reducers/reducers.ts';
import { RoundedParameters } from '../../../../coordinator/step/rounded.ts';
import { VectorMemory } from '../../../../shared/kernels/vectors.ts';

const SIZE = 1001;

/** Reducers that count their jobs. */
function counting(): Reducers & { numJobs: number } {
  const reducers = inlineReducers(new VectorMemory());
  return {
    ...reducers,
    numJobs: 0,
    run(job) {
      this.numJobs += 1;
      return reducers.run(job);
    },
  };
}

/** Upper halves of 1 + version / 64, which bfloat16 has. */
const valuesOf = (reducers: Reducers, version: number) =>
  reducers.vectors.float32(SIZE).fill(1 + version / 64);
const halvesOf = (version: number) => new Uint16Array(SIZE).fill(0x3f80 + 2 * version);

it('all pulls of a version have one rounding', async () => {
  const reducers = counting();
  const rounded = new RoundedParameters(reducers);
  const values = valuesOf(reducers, 3);
  const pulls = await Promise.all([rounded.of(3, values), rounded.of(3, values)]);
  expect([...pulls, await rounded.of(3, values)]).toEqual(new Array(3).fill(halvesOf(3)));
  expect(reducers.numJobs).toBe(1);
});

it('what is on its way is whole while the next version is rounded, and its memory serves the version after that', async () => {
  const reducers = counting();
  const rounded = new RoundedParameters(reducers);
  const first = rounded.of(1, valuesOf(reducers, 1));
  const second = rounded.of(2, valuesOf(reducers, 2));
  expect([await first, await second]).toEqual([halvesOf(1), halvesOf(2)]);
  const third = await rounded.of(3, valuesOf(reducers, 3));
  expect([third, await second]).toEqual([halvesOf(3), halvesOf(2)]);
  expect(third.byteOffset).toBe((await first).byteOffset);
});
