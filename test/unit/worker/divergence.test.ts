import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../../shared/core/errors.ts';
import { divergedError } from '../../../worker/compute/divergence.ts';
import { NodeComputer } from '../../../worker/compute/node-computer.ts';
import { passingError } from '../../../worker/exchange/refusals.ts';
import { SimProgram } from '../../sim/reference.ts';

const SPEC = { model: { width: 1 } } as ConstructorParameters<typeof NodeComputer>[1];

/** A node of two leaves, as a program computes it that gives these values. */
async function computed(outputs: { lossSum: number; gradient: Float32Array }) {
  const program = new SimProgram();
  // Each leaf has a gradient of its own: what was added to another is given back.
  program.train = async () => ({ ...outputs, gradient: outputs.gradient.slice(), correct: 0 });
  const computer = new NodeComputer(program, SPEC);
  const inputs = {
    images: new Float32Array(2),
    labels: new Int32Array(2),
    weights: Float32Array.of(1, 1),
  };
  const work = { kind: 'train', node: { first: 0, count: 2 }, numLeaves: 2, inputs } as const;
  await computer.leaf({ ...work, leaf: 0 });
  return (await computer.leaf({ ...work, leaf: 1 })).node;
}

describe('a node is looked at before it is pushed', () => {
  it.each([
    [Number.NaN, [0, 0], 'loss is NaN'],
    [Number.POSITIVE_INFINITY, [0, 0], 'loss is Infinity'],
    [1, [0, Number.NaN], 'gradient holds NaN'],
    // Each leaf is finite, their sum is not.
    [1, [3e38, 0], 'gradient holds Infinity'],
    [1, [0, 1], undefined],
  ])('loss %d, gradient %j: %s', async (lossSum, gradient, broken) => {
    const node = await computed({ lossSum, gradient: Float32Array.from(gradient) });
    expect(node?.broken).toBe(broken);
  });
});

const task = {
  kind: 'train',
  step: 3,
  version: 3,
  epoch: 0,
  batch: 3,
  first: 0,
  count: 2,
} as const;

it('what diverges is said with its step or its evaluation, and the first step blames no learning rate', () => {
  const training = divergedError(task, 'loss is NaN');
  expect(training.message).toBe('[NON_FINITE] the loss is NaN at step 4');
  expect(training.hint).toMatch(/learningRate.*clipNorm/);
  const judging = divergedError({ ...task, kind: 'validate', version: 4 }, 'loss is NaN');
  expect(judging.sentence).toBe(
    'the loss is NaN when version 4 is evaluated on the validation images',
  );
  expect(divergedError({ ...task, step: 0, version: 0 }, 'loss is NaN').hint).toMatch(
    /model\.init\.weights/,
  );
});

describe('a transfer that failed', () => {
  it('is tried again where that may help, and not where it gives the same', () => {
    const timeout = new TesseraError('TIMEOUT', 'too slow', { hint: 'wait' });
    const told = { code: 'TIMEOUT', reason: 'too slow', hint: 'wait' };
    expect(passingError(timeout)).toEqual({ error: told });
    expect(passingError(new TesseraError('STEP_STALE', 'gone'))).toEqual({});
    // Both sides look at what they send.
    expect(passingError(new TesseraError('NON_FINITE', 'x'))).toHaveProperty('error');
    for (const code of ['CONFIG_INVALID', 'MESSAGE_INVALID', 'ACCESS_DENIED'] as const) {
      expect(() => passingError(new TesseraError(code, 'x'))).toThrow(code);
    }
    expect(() => passingError(new TypeError('a bug'))).toThrow('a bug');
  });
});
