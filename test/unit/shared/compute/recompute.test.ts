/** @file Blocks that are computed again: the same bits, and what is kept for the backward pass. */
import { describe, expect, it } from 'vitest';
import { compileProgram, type EngineChoice } from '../../../../shared/compute/engines/registry.ts';
import type { Graph, Value } from '../../../../shared/compute/graph/graph.ts';
import { simplify } from '../../../../shared/compute/graph/simplify.ts';
import { recordPart } from '../../../../shared/compute/graph/steps.ts';
import type { ProgramSpec } from '../../../../shared/compute/program.ts';
import { frozenSize, parameterTable } from '../../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';
import { lacksXlaCpu } from '../../../support/xla.ts';

const DEEP: ProgramSpec = { ...SMALL_SPEC, model: { ...SMALL_SPEC.model, depth: 4 } };
const { size } = parameterTable(DEEP.model);
const LEAF = {
  ...randomLeaf(DEEP, 2),
  noise: { seed: 7, epoch: 3, samples: Int32Array.from([5, 11, 2]) },
  mix: {
    labels: Int32Array.from([4, 0, 1, 2]),
    shares: Float32Array.from([0.3, 1, 0.75, 0.5]),
  },
};

const RECIPES: readonly [name: string, changes: Partial<ProgramSpec>][] = [
  ['plain', {}],
  ['dropout and stochastic depth', { dropout: 0.2, stochasticDepth: 0.3 }],
  ['mixed labels', { mixes: true }],
  ['frozen blocks', { frozen: frozenSize(DEEP.model, 'blocks<2') }],
  ['one block', { model: { ...DEEP.model, depth: 1 } }],
];

async function train(spec: ProgramSpec, choice: EngineChoice = CPU_COMPILED) {
  const program = await compileProgram(spec, choice);
  try {
    program.setParameters(randomParameters(size, 1).subarray(0, parameterTable(spec.model).size));
    return await program.train(LEAF);
  } finally {
    await program.dispose();
  }
}

/** Values of the forward pass that the backward pass reads. */
function keptValues({ nodes, outputs }: Graph): Value[] {
  const end = nodes.findIndex((node) => node.outputs.includes(outputs.get('loss') as Value));
  const made = new Set(nodes.slice(0, end).flatMap((node) => node.outputs));
  const read = new Set(nodes.slice(end).flatMap(({ inputs }) => inputs));
  return [...read].filter((value) => made.has(value));
}

const bytesOf = (values: readonly Value[]) =>
  values.reduce(
    (sum, { shape }) => sum + 4 * shape.reduce((product, side) => product * side, 1),
    0,
  );

const graphOf = async (spec: ProgramSpec) => simplify(await recordPart(spec, 'training'));

describe.each(RECIPES)('%s', (_name, changes) => {
  const spec = { ...DEEP, ...changes };

  it('loss and gradient have the same bits', async () => {
    const again = await train({ ...spec, recompute: 'blocks' });
    expect(again).toEqual(await train(spec));
  });
});

describe('what is kept of a block that is computed again', () => {
  it('is what it begins with: each further block adds that alone', async () => {
    const depths = [4, 5, 8].map((depth) => ({ ...DEEP.model, depth }));
    const [four, five, eight] = await Promise.all(
      depths.map(async (model) =>
        bytesOf(keptValues(await graphOf({ ...DEEP, model, recompute: 'blocks' }))),
      ),
    );
    const tokens = (DEEP.model.imageSize / DEEP.model.patchSize) ** 2 + 1;
    const stream = 4 * DEEP.microBatch * tokens * DEEP.model.width;
    expect(five! - four!).toBe(stream);
    expect(eight! - four!).toBe(4 * stream);
    const all = bytesOf(keptValues(await graphOf({ ...DEEP, model: depths[2]! })));
    expect(eight).toBeLessThan(all / 3);
  });

  it('does not grow with masks either', async () => {
    const spec = { ...DEEP, dropout: 0.1, stochasticDepth: 0.1 };
    const graph = await graphOf({ ...spec, recompute: 'blocks' });
    expect(bytesOf(keptValues(graph))).toBeLessThan(bytesOf(keptValues(await graphOf(spec))) / 2);
    // A copy that does not depend on its block's beginning, such as a mask as numbers, is behind the barrier too.
    const barriers = graph.nodes.filter(({ op }) => op === 'barrier');
    expect(barriers).toHaveLength(DEEP.model.depth - 1);
    expect(barriers.some(({ inputs }) => inputs.some(({ type }) => type === 'bool'))).toBe(true);
  });

  it('without it a graph has no mark and no barrier', async () => {
    const graph = await recordPart(DEEP, 'training');
    expect(graph.marks?.size).toBe(0);
    expect(graph.nodes.some(({ op }) => op === 'barrier')).toBe(false);
  });
});

it.skipIf(lacksXlaCpu('blocks that XLA computes again'))(
  'XLA computes the same, though it may add up in another order',
  async () => {
    const spec = { ...DEEP, model: { ...DEEP.model, depth: 2 }, recompute: 'blocks' } as const;
    const own = await train(spec, { id: 'xla-cpu', threads: 1 });
    const other = await train({ ...spec, recompute: 'none' });
    expect(relativeL2(own.gradient, other.gradient)).toBeLessThan(5e-6);
    expect(own.lossSum).toBeCloseTo(other.lossSum, 4);
  },
);
