/** @file What the sum tree refuses and keeps; its arithmetic is in test/property/reduction.test.ts. */
import { describe, expect, it } from 'vitest';
import { addInto } from '../../../../shared/kernels/values.ts';
import { alignedNodes, TreeSum } from '../../../../shared/training/reduction.ts';

const totals = { lossSum: 1.5, correct: 1, samples: 2 };
const one = () => Float32Array.of(1);

describe('nodes of a tree over 11 leaves', () => {
  it.each([
    [{ first: 0, count: 11 }, '0+11'],
    [{ first: 0, count: 10 }, '0+8 8+2'],
    [{ first: 3, count: 8 }, '3+1 4+4 8+3'],
    [{ first: 8, count: 3 }, '8+3'],
    [{ first: 10, count: 1 }, '10+1'],
    [{ first: 1, count: 6 }, '1+1 2+2 4+2 6+1'],
    [{ first: 5, count: 0 }, ''],
  ])('%o is tiled by %s', (range, expected) => {
    const nodes = alignedNodes(range, 11);
    expect(nodes.map(({ first, count }) => `${first}+${count}`).join(' ')).toBe(expected);
  });
});

describe('a sum', () => {
  it('is made in the left vector, which it owns', async () => {
    const sum = new TreeSum(2, addInto);
    const left = Float32Array.of(1, 2);
    await sum.add({ first: 1, count: 1 }, Float32Array.of(10, 20), totals);
    await sum.add({ first: 0, count: 1 }, left, totals);
    expect(sum.root?.vector).toBe(left);
    expect(left).toEqual(Float32Array.of(11, 22));
    expect(sum.root?.totals).toEqual({ lossSum: 3, correct: 2, samples: 4 });
  });

  it('of one leaf is that leaf', async () => {
    const sum = new TreeSum(1, addInto);
    await sum.add({ first: 0, count: 1 }, one(), totals);
    expect(sum.root).toEqual({ first: 0, count: 1, vector: one(), totals });
  });

  it('of an evaluation has totals and no vector', async () => {
    const sum = new TreeSum(3, addInto);
    for (const first of [2, 0, 1]) await sum.add({ first, count: 1 }, undefined, totals);
    expect(sum.root?.vector).toBeUndefined();
    expect(sum.root?.totals.samples).toBe(6);
  });

  it('of a part ends at that part', async () => {
    const sum = new TreeSum(7, addInto, { first: 4, count: 3 });
    await sum.add({ first: 6, count: 1 }, one(), totals);
    expect(sum.root).toBeUndefined();
    await sum.add({ first: 4, count: 2 }, one(), totals);
    expect(sum.root).toMatchObject({ first: 4, count: 3 });
  });

  it.each([
    ['a leaf twice', { first: 2, count: 1 }, /not in the sum yet/],
    ['a node over a leaf that is in', { first: 0, count: 4 }, /not in the sum yet/],
    ['a range that is no node', { first: 1, count: 2 }, /is a node/],
    ['a node past the end', { first: 8, count: 1 }, /is a node/],
  ])('refuses %s and stays as it was', async (_, range, sentence) => {
    const sum = new TreeSum(6, addInto);
    await sum.add({ first: 2, count: 1 }, one(), totals);
    await expect(sum.add(range, one(), totals)).rejects.toThrow(sentence);
    for (const first of [0, 1, 3, 4, 5]) await sum.add({ first, count: 1 }, one(), totals);
    expect(sum.root?.vector).toEqual(Float32Array.of(6));
  });

  it('refuses a node outside its part, and a part that is no node', async () => {
    const sum = new TreeSum(8, addInto, { first: 4, count: 4 });
    await expect(sum.add({ first: 0, count: 1 }, one(), totals)).rejects.toThrow(/INTERNAL/);
    await expect(sum.add({ first: 0, count: 8 }, one(), totals)).rejects.toThrow(/INTERNAL/);
    expect(() => new TreeSum(8, addInto, { first: 3, count: 2 })).toThrow(/INTERNAL/);
  });

  it('refuses vectors of different lengths', async () => {
    const sum = new TreeSum(2, addInto);
    await sum.add({ first: 0, count: 1 }, one(), totals);
    await expect(sum.add({ first: 1, count: 1 }, undefined, totals)).rejects.toThrow(/INTERNAL/);
  });
});
