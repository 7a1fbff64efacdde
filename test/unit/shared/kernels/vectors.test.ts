/** @file Memory of vectors: what is in use never overlaps, what is given back is used again, what does not fit is said by its place. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelMemory } from '../../../../shared/kernels/module.ts';
import { kernelsFor, VectorMemory } from '../../../../shared/kernels/vectors.ts';

describe('a memory of vectors', () => {
  it('gives out vectors that do not overlap, whatever was given back', () => {
    const commands = fc.array(fc.tuple(fc.boolean(), fc.nat(40_000)), { maxLength: 60 });
    fc.assert(
      fc.property(commands, (steps) => {
        const memory = new VectorMemory();
        const live: { vector: Float32Array; mark: number }[] = [];
        steps.forEach(([takes, number], mark) => {
          if (takes) live.push({ vector: memory.float32(number).fill(mark), mark });
          const [gone] = takes || live.length === 0 ? [] : live.splice(number % live.length, 1);
          if (gone !== undefined) memory.release(gone.vector);
        });
        for (const { vector, mark } of live) {
          expect(vector.byteOffset % 64).toBe(0);
          expect(vector.every((value) => value === mark)).toBe(true);
        }
        for (const { vector } of live) memory.release(vector);
        expect(memory.usedBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('uses memory again, and does not grow for it', () => {
    const memory = new VectorMemory();
    memory.release(memory.float32(1_000_000));
    const { byteLength } = memory.memory.buffer;
    for (let turn = 0; turn < 5; turn += 1) {
      const [one, two] = [memory.float32(500_000), memory.zeros(499_000)];
      expect(two.every((value) => value === 0)).toBe(true);
      memory.release(one);
      memory.release(two.fill(7));
    }
    expect(memory.memory.buffer.byteLength).toBe(byteLength);
  });

  it('gives zeros where it has grown, and where vectors were', () => {
    const memory = new VectorMemory();
    const vector = memory.zeros(100_000);
    expect(vector.every((value) => value === 0)).toBe(true);
    memory.release(vector.fill(5));
    const [again, grown] = [memory.zeros(60_000), memory.zeros(200_000)];
    expect([...again, ...grown].every((value) => value === 0)).toBe(true);
  });

  it('finds kernels from vectors of before and after it has grown', () => {
    const memory = new VectorMemory();
    const before = memory.float32(10);
    const after = memory.float32(1_000_000);
    expect(after.buffer).not.toBe(before.buffer);
    expect(kernelsFor(before, after)).toBeDefined();
    expect(kernelsFor(before, new Float32Array(10))).toBeUndefined();
    expect(kernelsFor(before, new VectorMemory().float32(10))).toBeUndefined();
  });

  it('gives shared memory of its own to what does not fit', () => {
    const memory = new VectorMemory(kernelMemory(65_536));
    const huge = memory.float32(2 ** 30);
    expect(huge.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(kernelsFor(huge)).toBeUndefined();
    expect(memory.at(memory.placeOf(huge))).toBe(huge);
    expect(memory.adopt(huge)).toBe(huge);
    memory.release(huge);
    expect(() => memory.release(huge)).toThrow(/released once/);
    const again = memory.float32(2 ** 30);
    expect(again.buffer).toBe(huge.buffer);
    expect(memory.float32(2 ** 30).buffer).not.toBe(huge.buffer);
    expect(kernelsFor(memory.float32(16))).toBeDefined();
  });

  it('leads other threads to a vector', () => {
    const memory = new VectorMemory();
    const vector = memory.float32(3);
    vector.set([1, 2, 3]);
    const elsewhere = new VectorMemory(memory.memory);
    expect([...elsewhere.at(memory.placeOf(vector))]).toEqual([1, 2, 3]);
  });

  it('leaves a vector where it is, and takes in one from elsewhere', () => {
    const memory = new VectorMemory();
    const own = memory.float32(8).fill(1);
    expect(memory.adopt(own.subarray(2))).toEqual(new Float32Array(6).fill(1));
    expect(memory.adopt(own)).toBe(own);
    const foreign = new Float32Array(new SharedArrayBuffer(8));
    expect(kernelsFor(memory.adopt(foreign))).toBeDefined();
  });

  it('does not take back a vector twice', () => {
    const memory = new VectorMemory();
    const vector = memory.float32(3);
    memory.release(vector);
    expect(() => memory.release(vector)).toThrow(/released once/);
    expect(() => memory.release(new Float32Array(3))).not.toThrow();
  });

  it('has vectors that digests take', () => {
    const vector = new VectorMemory().zeros(100).fill(0.5);
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
    const copy = new Uint8Array(vector.slice().buffer);
    expect(crc32(bytes)).toBe(crc32(copy));
    const sha256 = (of: Uint8Array) => createHash('sha256').update(of).digest('hex');
    expect(sha256(bytes)).toBe(sha256(copy));
  });
});
