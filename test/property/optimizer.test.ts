/** @file Optimizers over slices: cutting changes no bit, and nothing outside a slice is touched. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimizerState, updateParameters } from '../../shared/training/optimizer.ts';
import type { OptimizerConfig } from '../../shared/training/options.ts';

const TABLE = {
  entries: [
    { name: 'a.weight', shape: [3, 4], offset: 0, size: 12, decays: true, layer: 0 },
    { name: 'a.bias', shape: [4], offset: 12, size: 4, decays: false, layer: 0 },
    { name: 'b.weight', shape: [2, 4], offset: 16, size: 8, decays: true, layer: 0 },
  ],
  size: 24,
};
const config: fc.Arbitrary<OptimizerConfig> = fc.record({
  name: fc.constantFrom('adamw' as const, 'adam' as const, 'sgd' as const),
  learningRate: fc.constant(0.1),
  weightDecay: fc.constantFrom(0, 0.1),
  beta1: fc.constant(0.9),
  beta2: fc.constant(0.99),
  epsilon: fc.constant(1e-8),
  momentum: fc.constantFrom(0, 0.9),
  layerDecay: fc.constant(1),
});
/** Adam makes a step of full length of a decay that is coupled. */
const decoupledOrPlain = config.filter(({ name }) => name !== 'adam');
const vector = fc
  .array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 24, maxLength: 24 })
  .map((values) => Float32Array.from(values));

/** Three steps, cut at the given places; answers the parameters and the state after them. */
function train(
  config: OptimizerConfig,
  start: Float32Array,
  gradients: readonly Float32Array[],
  cuts: readonly number[],
  inPlace = false,
) {
  let parameters = start.slice();
  const state = optimizerState(config, TABLE.size);
  const edges = [0, ...cuts, TABLE.size].sort((a, b) => a - b);
  gradients.forEach((gradient, i) => {
    const into = inPlace ? parameters : new Float32Array(TABLE.size);
    const fixed = {
      config,
      table: TABLE,
      frozen: 0,
      learningRate: 0.1,
      step: i + 1,
      scale: 0.5,
      state,
    };
    edges.slice(1).forEach((limit, k) => {
      updateParameters({ ...fixed, parameters, into, gradient, first: edges[k]!, limit });
    });
    parameters = into;
  });
  return { parameters, state };
}

describe('an optimizer step', () => {
  it('is the same bits in one piece, in slices, and in place', () => {
    const cuts = fc.array(fc.nat(24), { maxLength: 5 });
    fc.assert(
      fc.property(config, vector, fc.tuple(vector, vector), cuts, (how, start, gradients, at) => {
        const whole = train(how, start, gradients, []);
        expect(train(how, start, gradients, at)).toEqual(whole);
        expect(train(how, start, gradients, at, true)).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('with a gradient of zeros changes only what decays', () => {
    fc.assert(
      fc.property(decoupledOrPlain, vector, (how, start) => {
        const { parameters } = train(how, start, [new Float32Array(24)], []);
        const keep = 1 - 0.1 * how.weightDecay;
        start.forEach((value, i) => {
          const decays = i < 12 || i >= 16;
          expect(parameters[i]).toBeCloseTo(decays ? value * keep : value, 4);
        });
        expect(parameters.subarray(12, 16)).toEqual(start.subarray(12, 16));
      }),
    );
  });
});
