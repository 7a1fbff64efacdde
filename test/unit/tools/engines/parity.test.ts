/** @file The test of an engine finds a wrong loss, a wrong tensor, and what is not a number. */
import { describe, expect, it } from 'vitest';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import { type Numbers, SMALL_MODEL } from '../../../../tools/engines/test/jobs.ts';
import { parityOf } from '../../../../tools/engines/test/parity.ts';

const { entries, size } = parameterTable(SMALL_MODEL);
const right = Float32Array.from({ length: size }, (_, i) => Math.sin(i));

function numbers(gradient: Float32Array, lossSum = 10): Numbers {
  const bytes = Buffer.from(gradient.buffer, gradient.byteOffset, gradient.byteLength);
  const common = { description: '', devices: undefined, slots: 1, nodeSha256: '' };
  return { ...common, lossSum, gradient: bytes.toString('base64') };
}

/** The gradient with a tensor that is scaled. */
function withTensor(name: string, scale: number): Float32Array {
  const { offset, size: length } = entries.find((entry) => entry.name === name)!;
  return right.map((value, i) => (i >= offset && i < offset + length ? value * scale : value));
}

const judge = (found: Numbers, precision: 'f32' | 'bf16' = 'f32') =>
  parityOf(precision, { found, oracle: numbers(right) }, entries);

describe('an engine', () => {
  it('with the numbers of the oracle is right, and so is one that rounds in another order', () => {
    expect(judge(numbers(right))).toMatchObject({ isRight: true, gradientError: 0, lossError: 0 });
    const rounded = right.map((value, i) => value * (1 + (i % 2 === 0 ? 1e-6 : -1e-6)));
    expect(judge(numbers(rounded))).toMatchObject({ isRight: true });
  });

  it('with one wrong tensor is wrong, and the tensor is named', () => {
    const parity = judge(numbers(withTensor('blocks.1.norm2.bias', 1.01)));
    expect(parity).toMatchObject({ isRight: false, worst: { name: 'blocks.1.norm2.bias' } });
    expect(parity.worst.error).toBeCloseTo(0.01, 4);
    // Within the rounding of bfloat16.
    expect(judge(numbers(withTensor('blocks.1.norm2.bias', 1.01)), 'bf16').isRight).toBe(true);
    expect(judge(numbers(withTensor('blocks.1.norm2.bias', 2)), 'bf16').isRight).toBe(false);
  });

  it('with a wrong loss, a gradient of another size, or one that is not a number is wrong', () => {
    expect(judge(numbers(right, 10.01)).isRight).toBe(false);
    expect(judge(numbers(right, Number.NaN)).isRight).toBe(false);
    expect(judge(numbers(right.subarray(1))).isRight).toBe(false);
    expect(judge(numbers(right.map(() => Number.NaN))).isRight).toBe(false);
  });
});
