/** @file The programs of a small model as StableHLO, compared with text that was read by eye; `vitest -u` writes it. */
import { describe, expect, it } from 'vitest';
import { recordPart } from '../../../../../shared/compute/graph/steps.ts';
import { overridesOf } from '../../../../../shared/compute/lower/stablehlo/products.ts';
import {
  addProgram,
  type DeviceValue,
  lowerPart,
} from '../../../../../shared/compute/lower/stablehlo/programs.ts';
import type { ProgramSpec } from '../../../../../shared/compute/program.ts';
import type { Part } from '../../../../../shared/compute/step.ts';
import { backboneSize, parameterTable } from '../../../../../shared/model/parameters.ts';
import { PRECISIONS, type Precision } from '../../../../../shared/model/precision.ts';

/** One block, and sides that are all different where they can be. */
const TINY: ProgramSpec = {
  model: {
    imageSize: 4,
    channels: 1,
    patchSize: 2,
    width: 6,
    depth: 1,
    heads: 2,
    mlpWidth: 8,
    numClasses: 3,
  },
  microBatch: 2,
  labelSmoothing: 0.1,
};

const lower = async (spec: ProgramSpec, part: Part) =>
  lowerPart(spec, part, await recordPart(spec, part));

/** The text's own operations, by kind. */
const linesOf = (text: string, words: string) =>
  text.split('\n').filter((line) => line.includes(words));

const signature = (values: readonly DeviceValue[]) =>
  values.map(({ name, shape, type }) => `${name} ${type}[${shape}]`);

describe('golden text', () => {
  it.each<[Part, Precision]>([
    ['training', 'f32'],
    ['training', 'bf16'],
    ['forward', 'f32'],
    ['features', 'f32'],
  ])('%s in %s', async (part, precision) => {
    const { text } = await lower({ ...TINY, precision }, part);
    const file = `../../../../fixtures/stablehlo/${part}-${precision}.mlir`;
    await expect(text).toMatchFileSnapshot(file);
  });

  it('the sum of two vectors', async () => {
    const { text, inputs, outputs } = addProgram(5);
    await expect(text).toMatchFileSnapshot('../../../../fixtures/stablehlo/add.mlir');
    expect(signature(inputs)).toEqual(['left float32[5]', 'right float32[5]']);
    expect(signature(outputs)).toEqual(['sum float32[5]']);
  });

  it('sums and gradients that are rounded where a run exchanges bfloat16', async () => {
    const reduced = /stablehlo\.reduce_precision %\S+, format = e8m7 : tensor<(\d+)xf32>/g;
    const sizesIn = (text: string) => [...text.matchAll(reduced)].map(([, size]) => Number(size));
    expect(sizesIn(addProgram(5, 'bf16').text)).toEqual([5]);
    const { text } = await lower({ ...TINY, gradients: 'bf16' }, 'training');
    expect(sizesIn(text)).toEqual([parameterTable(TINY.model).size]);
    expect(sizesIn((await lower({ ...TINY, gradients: 'bf16' }, 'forward')).text)).toEqual([]);
  });
});

describe('inputs and outputs', () => {
  const { size } = parameterTable(TINY.model);
  const head = size - backboneSize(TINY.model);

  it('are flat vectors, and what a part takes', async () => {
    const { inputs, outputs } = await lower(TINY, 'training');
    expect(signature(inputs)).toEqual([
      `parameters float32[${size}]`,
      'images float32[2,1,4,4]',
      'labels int32[2]',
      'weights float32[2]',
    ]);
    expect(signature(outputs)).toEqual([`gradient float32[${size}]`, 'sums float32[2]']);
  });

  it('are all parameters and the gradient of the head behind a frozen backbone', async () => {
    const spec = { ...TINY, frozen: backboneSize(TINY.model) };
    const { text, inputs, outputs } = await lower(spec, 'training');
    expect(signature(inputs).slice(0, 2)).toEqual([
      `parameters float32[${size}]`,
      'features float32[2,6]',
    ]);
    expect(signature(outputs)).toEqual([`gradient float32[${head}]`, 'sums float32[2]']);
    // The head's two are all that it reads of the parameters.
    expect(linesOf(text, 'slice %parameters')).toHaveLength(2);
  });

  it.each(['uint8', 'float16'] as const)(
    'have images as %s, which become float32',
    async (type) => {
      const pixels = { type, mean: [0.5], deviation: [0.25] };
      const { text, inputs } = await lower({ ...TINY, transfer: pixels }, 'forward');
      expect(signature(inputs)[1]).toBe(`images ${type}[2,1,4,4]`);
      const [first] = linesOf(text, '%images :');
      expect(first).toMatch(
        /stablehlo\.convert %images : \(tensor<2x1x4x4x(ui8|f16)>\) -> .*xf32>$/,
      );
    },
  );

  it('have masks and mixed labels under names that StableHLO allows', async () => {
    const spec = { ...TINY, dropout: 0.1, stochasticDepth: 0.2, mixes: true };
    const { text, inputs } = await lower(spec, 'training');
    expect(signature(inputs)).toContain('dropout/blocks.0.mlp.fc1 bool[2,40]');
    expect(text).toContain('%dropout.blocks.0.mlp.fc1: tensor<2x40xi1>');
    expect(text).toContain('%mix.shares: tensor<2xf32>');
  });
});

describe('precision', () => {
  it('is said in every product', async () => {
    const products = async (precision: Precision) => {
      const { text } = await lower({ ...TINY, precision }, 'training');
      return linesOf(text, 'dot_general').map((line) => ({
        manner: /precision = \[(\w+), \1\]/.exec(line)?.[1],
        operands: /xb?f(16|32)>, tensor<[\dx]*x(b?f\d+)>\) ->/.exec(line)?.[2],
        result: /x(b?f\d+)>$/.exec(line)?.[1],
      }));
    };
    const [f32, tf32, bf16] = await Promise.all(PRECISIONS.map(products));
    const all = { manner: 'HIGHEST', operands: 'f32', result: 'f32' };
    expect(new Set(f32?.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify(all)]),
    );
    expect(tf32).toEqual(f32?.map((each) => ({ ...each, manner: 'DEFAULT' })));
    expect(bf16?.map(({ operands }) => operands)).toEqual(bf16?.map(() => 'bf16'));
    // Gradients of the six matrices, and the logits.
    expect(bf16?.filter(({ result }) => result === 'f32')).toHaveLength(7);
  });

  it('bf16 forbids XLA to drop what is rounded', () => {
    expect(PRECISIONS.map(overridesOf)).toEqual([{}, {}, { xla_allow_excess_precision: false }]);
  });
});
