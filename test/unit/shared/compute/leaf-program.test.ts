/** @file Nodes of a program that adds on the host: the sum tree's association, whatever came before. */
import { expect, it } from 'vitest';
import { compileProgram } from '../../../../shared/compute/engines/registry.ts';
import { addBfloat16Into, roundBfloat16 } from '../../../../shared/kernels/bfloat16.ts';
import { addInto } from '../../../../shared/kernels/values.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import { TreeSum } from '../../../../shared/training/reduction.ts';
import {
  CPU_COMPILED,
  randomLeaf,
  randomParameters,
  SMALL_SPEC,
} from '../../../support/compute.ts';

const program = await compileProgram(SMALL_SPEC, CPU_COMPILED);
program.setParameters(randomParameters(parameterTable(SMALL_SPEC.model).size, 1));
const LEAVES = [3, 4, 5].map((seed) => randomLeaf(SMALL_SPEC, seed));
/** The last, clipped node of a tree of seven leaves. */
const NODE = { first: 4, count: 3, numLeaves: 7 };

async function compute(kind: 'train' | 'evaluate') {
  program.beginNode({ ...NODE, kind });
  for (const [index, leaf] of LEAVES.entries()) await program.addLeaf(leaf, NODE.first + index);
  return program.endNode();
}

it('a node is the tree sum of its leaves, bit for bit', async () => {
  const sum = new TreeSum(NODE.numLeaves, addInto, NODE);
  for (const [index, leaf] of LEAVES.entries()) {
    const { gradient, ...totals } = await program.train(leaf);
    await sum.add({ first: NODE.first + index, count: 1 }, gradient, { ...totals, samples: 3 });
  }
  const { vector, totals } = sum.root!;
  expect(await compute('train')).toEqual({ ...totals, gradient: vector });
});

it('a gradient that was given back is written over, and does not show in the next one', async () => {
  const { gradient } = await program.train(LEAVES[0]!);
  const wanted = gradient.slice();
  program.recycle?.(gradient.fill(Number.NaN));
  const again = await program.train(LEAVES[0]!);
  expect(again.gradient).toBe(gradient);
  expect(again.gradient).toEqual(wanted);
});

it('a node takes the memory of two gradients, and of none more', async () => {
  const node = await compute('train');
  const taken = new Set<ArrayBufferLike>();
  for (let round = 0; round < 2; round += 1) {
    const { gradient } = await compute('train');
    taken.add(gradient!.buffer);
    program.recycle?.(gradient!);
  }
  expect(taken.size).toBe(1);
  expect(taken.has(node.gradient!.buffer)).toBe(false);
});

it('an evaluation has sums and no gradient', async () => {
  const { gradient, ...totals } = await compute('evaluate');
  let correct = 0;
  for (const leaf of LEAVES) correct += (await program.evaluate(leaf)).correct;
  expect(gradient).toBeUndefined();
  expect(totals.samples).toBe(9);
  expect(totals.correct).toBe(correct);
});

it('a node that has not ended is dropped by the next one', async () => {
  const whole = await compute('train');
  program.beginNode({ ...NODE, kind: 'train' });
  await program.addLeaf(LEAVES[1]!, NODE.first);
  expect(await compute('train')).toEqual(whole);
});

it('leaves without a node, and the end of a node that lacks some, are refused', async () => {
  await expect(program.addLeaf(LEAVES[0]!, NODE.first)).rejects.toThrow(/begins before its leaves/);
  program.beginNode({ ...NODE, kind: 'train' });
  await program.addLeaf(LEAVES[0]!, NODE.first);
  await expect(program.endNode()).rejects.toThrow(/ends after its last leaf/);
});

it('a node of a run whose gradients are bfloat16 has rounded leaves and rounded sums', async () => {
  const rounding = await compileProgram({ ...SMALL_SPEC, gradients: 'bf16' }, CPU_COMPILED);
  rounding.setParameters(randomParameters(parameterTable(SMALL_SPEC.model).size, 1));
  const sum = new TreeSum(NODE.numLeaves, addBfloat16Into, NODE);
  rounding.beginNode({ ...NODE, kind: 'train' });
  for (const [place, leaf] of LEAVES.entries()) {
    const { gradient } = await program.train(leaf);
    roundBfloat16(gradient);
    expect((await rounding.train(leaf)).gradient).toEqual(gradient);
    await sum.add({ first: NODE.first + place, count: 1 }, gradient);
  }
  for (const [place, leaf] of LEAVES.entries()) await rounding.addLeaf(leaf, NODE.first + place);
  expect((await rounding.endNode()).gradient).toEqual(sum.root!.vector);
});
