/** @file The kernels are built, run on shared memory, and make the bits of plain loops. */
import { describe, expect, it } from 'vitest';
import { kernelMemory, kernelsOn } from '../../../../shared/kernels/module.ts';
import { addInto } from '../../../../shared/training/reduction.ts';

describe('the kernels', () => {
  const memory = kernelMemory(16_384);
  const kernels = kernelsOn(memory);

  it('are built', () => expect(kernels).toBeDefined());

  it('add the bits of the plain loop', () => {
    const target = new Float32Array(memory.buffer, 0, 1001).map((_, i) => Math.sin(i));
    const source = new Float32Array(memory.buffer, 8192, 1001);
    source.forEach((_, i) => {
      source[i] = Math.cos(i) * 1e-3;
    });
    new Float32Array(memory.buffer, 0, 1001).set(target);
    addInto(target, source);
    kernels?.addInto(0, 8192, 1001);
    expect(new Float32Array(memory.buffer, 0, 1001)).toEqual(target);
  });
});
