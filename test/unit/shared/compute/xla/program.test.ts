/** @file The step on the CPU plugin: every recipe beside ONNX Runtime and the eager oracle, nodes, several devices. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  compileProgram,
  type EngineChoice,
} from '../../../../../shared/compute/engines/registry.ts';
import { liveHandles } from '../../../../../shared/compute/engines/xla/handle.ts';
import type { LeafInputs, Program, ProgramSpec } from '../../../../../shared/compute/program.ts';
import { gradientViews } from '../../../../../shared/compute/step.ts';
import type { LeafRange } from '../../../../../shared/core/work.ts';
import { roundToBfloat16 } from '../../../../../shared/kernels/bfloat16.ts';
import {
  backboneSize,
  frozenSize,
  parameterTable,
} from '../../../../../shared/model/parameters.ts';
import { nodeAdder, TreeSum } from '../../../../../shared/training/reduction.ts';
import { feedOrder } from '../../../../../shared/training/slots.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../../support/compute.ts';
import { executablesInMemory, lacksXlaCpu } from '../../../../support/xla.ts';

// One block: what XLA takes for a program grows with its operations. XLA=all (`npm run devices`) has a wider model of
// three, every recipe by itself and in bf16 too, and prints what it found.
const isLong = process.env['XLA'] === 'all';
const SIZES = isLong
  ? { depth: 3, width: 48, mlpWidth: 96, heads: 4, imageSize: 16 }
  : { depth: 1 };
const SPEC: ProgramSpec = { ...SMALL_SPEC, model: { ...SMALL_SPEC.model, ...SIZES } };
const { model } = SPEC;
const PARAMETERS = randomParameters(parameterTable(model).size, 1);
const XLA: EngineChoice = { id: 'xla-cpu', threads: 1 };
const EXECUTABLES = executablesInMemory();
/** Beside other processes XLA may take a minute for a program. */
const COMPILING = { timeout: 300_000 };
const NOISE = { seed: 7, epoch: 3, samples: Int32Array.from([5, 11, 2, 9]) };
const MIX = {
  labels: Int32Array.from([4, 0, 1, 2]),
  shares: Float32Array.from([0.3, 1, 0.75, 0.5]),
};

type Recipe = readonly [string, Partial<ProgramSpec>];
/** What "all of them" has together. */
const ALONE: readonly Recipe[] = [
  ['no smoothing', { labelSmoothing: 0 }],
  ['dropout', { dropout: 0.2 }],
  ['stochastic depth', { stochasticDepth: 0.5 }],
  ['mixed labels', { mixes: true }],
];
/** What recipes change about a step. */
const RECIPES: readonly Recipe[] = [
  ['plain', {}],
  ...(isLong ? ALONE : []),
  ['all of them', { dropout: 0.1, stochasticDepth: 0.3, mixes: true, labelSmoothing: 0 }],
  ['a frozen beginning', { frozen: frozenSize(model, 'blocks<1') }],
  ['a frozen backbone', { frozen: backboneSize(model) }],
  ['a frozen backbone with dropout', { frozen: backboneSize(model), dropout: 0.1 }],
];

/** A leaf with everything that a recipe may ask for. */
const leafOf = (seed: number): LeafInputs => ({
  ...randomLeaf(SPEC, seed),
  noise: NOISE,
  mix: MIX,
});

async function withProgram<T>(
  spec: ProgramSpec,
  choice: EngineChoice,
  use: (program: Program) => Promise<T>,
): Promise<T> {
  const program = await compileProgram(spec, choice, { executables: EXECUTABLES });
  program.setParameters(PARAMETERS);
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

/** Everything that a program computes of a leaf. */
const everything = (spec: ProgramSpec, choice: EngineChoice) =>
  withProgram(spec, choice, async (program) => {
    const leaf = leafOf(2);
    return {
      trained: await program.train(leaf),
      evaluated: await program.evaluate(leaf),
      logits: await program.predict(leaf.images),
      features: await program.features(leaf.images),
    };
  });

/** Relative differences of what two engines compute: of each number, and of the gradient of each parameter. */
function differences(
  spec: ProgramSpec,
  own: Awaited<ReturnType<typeof everything>>,
  other: Awaited<ReturnType<typeof everything>>,
): Record<string, number> {
  const scalar = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);
  const views = gradientViews(spec, own.trained.gradient);
  const others = gradientViews(spec, other.trained.gradient);
  return {
    loss: scalar(own.trained.lossSum, other.trained.lossSum),
    evaluated: scalar(own.evaluated.lossSum, other.evaluated.lossSum),
    logits: relativeL2(own.logits, other.logits),
    features: relativeL2(own.features, other.features),
    ...Object.fromEntries(
      views.map(({ name, values }, index) => [name, relativeL2(values, others[index]!.values)]),
    ),
  };
}

const report = (line: string) => isLong && process.stderr.write(`${line}\n`);

const worst = (found: Record<string, number>) =>
  Object.entries(found).reduce((most, each) => (each[1] > most[1] ? each : most));

describe.skipIf(lacksXlaCpu('the step on xla-cpu'))('the step on xla-cpu', COMPILING, () => {
  const before = liveHandles();
  afterEach(() => expect(liveHandles()).toEqual(before));

  it.each(RECIPES)(
    '%s: every number is that of ONNX Runtime and of the oracle',
    async (title, recipe) => {
      const spec = { ...SPEC, ...recipe };
      const own = await everything(spec, XLA);
      for (const choice of [CPU_COMPILED, CPU_EAGER]) {
        const other = await everything(spec, choice);
        const [name, difference] = worst(differences(spec, own, other));
        report(`${title}, f32 beside ${choice.id}: ${difference.toExponential(1)} at ${name}`);
        expect(difference, `${name} beside ${choice.id}`).toBeLessThan(5e-6);
        expect(own.trained.correct).toBe(other.trained.correct);
        expect(own.evaluated.correct).toBe(other.evaluated.correct);
      }
    },
  );

  it.each(isLong ? RECIPES : RECIPES.filter(([, { mixes }]) => mixes))(
    '%s in bf16: near float32',
    async (title, recipe) => {
      const spec = { ...SPEC, ...recipe };
      const own = await everything({ ...spec, precision: 'bf16' }, XLA);
      const { trained, logits } = await everything(spec, XLA);
      const difference = relativeL2(own.trained.gradient, trained.gradient);
      report(`${title}, bf16 beside f32: ${difference.toExponential(1)}`);
      expect(difference).toBeLessThan(2e-2);
      expect(difference).toBeGreaterThan(1e-4);
      expect(relativeL2(own.logits, logits)).toBeLessThan(2e-2);
    },
  );

  it('features have the same bits whatever else is in the leaf, and spare the images', async () => {
    const spec = { ...SPEC, frozen: backboneSize(model) };
    const leaf = leafOf(2);
    await withProgram(spec, XLA, async (program) => {
      const features = await program.features(leaf.images);
      const brief = { ...leaf, images: new Float32Array(0), features };
      expect(await program.train(brief)).toEqual(await program.train(leaf));
      expect(await program.evaluate(brief)).toEqual(await program.evaluate(leaf));
      const alone = new Float32Array(leaf.images.length);
      const floats = leaf.images.length / SPEC.microBatch;
      alone.set(leaf.images.subarray(floats, 2 * floats), 2 * floats);
      const row = (await program.features(alone)).slice(2 * model.width, 3 * model.width);
      expect(row).toEqual(features.slice(model.width, 2 * model.width));
    });
  });

  it('says its devices, what it takes of their memory, and what decides its bits', async () => {
    await withProgram(SPEC, { ...XLA, devices: [0, 1, 3] }, async (program) => {
      expect(program.description).toBe('xla-cpu, 3 x cpu');
      expect(program.identity).toMatch(/^xla-cpu \d\S+ cpu$/);
      expect(program.slots).toBe(3);
      expect(program.devices()).toMatchObject({ kind: 'cpu', count: 3, bytesInUse: undefined });
      const training = await program.memory!('training');
      const forward = await program.memory!('forward');
      expect(training.arguments).toBeGreaterThan(4 * PARAMETERS.length);
      expect(training.temporary).toBeGreaterThan(forward.temporary);
    });
  });

  it('refuses what it has no parameters for, and what is used after its end', async () => {
    const program = await compileProgram(SPEC, XLA, { executables: EXECUTABLES });
    await expect(program.train(leafOf(1))).rejects.toThrow(/parameters come before leaves/);
    await program.dispose();
    await program.dispose();
    await expect(program.train(leafOf(1))).rejects.toThrow(/disposed program/);
  });

  it('in tf32 is a program of its own, which on a CPU computes as in f32', async () => {
    const spec = { ...SPEC, frozen: backboneSize(model) };
    const tf32 = await everything({ ...spec, precision: 'tf32' }, XLA);
    const f32 = await everything(spec, XLA);
    expect(relativeL2(tf32.trained.gradient, f32.trained.gradient)).toBeLessThan(1e-6);
  });
});

describe.skipIf(lacksXlaCpu('nodes on xla-cpu'))('nodes on xla-cpu', COMPILING, () => {
  const LEAVES = Array.from({ length: 16 }, (_, index) => leafOf(index + 3));
  const before = liveHandles();
  afterEach(() => expect(liveHandles()).toEqual(before));

  /** A node as a worker computes it. */
  async function nodeOf(program: Program, node: LeafRange, kind: 'train' | 'evaluate' = 'train') {
    program.beginNode({ ...node, numLeaves: LEAVES.length, kind });
    for (const index of feedOrder(node, program.slots)) {
      await program.addLeaf(LEAVES[index]!, index);
    }
    return program.endNode();
  }

  /** The same by the product's own sum over leaves that were computed alone. */
  async function treeSumOf(
    program: Program,
    node: LeafRange,
    { gradients = 'f32' }: Pick<ProgramSpec, 'gradients'> = {},
  ) {
    const sum = new TreeSum(LEAVES.length, nodeAdder(gradients), node);
    for (let index = node.first; index < node.first + node.count; index += 1) {
      const { gradient, ...totals } = await program.train(LEAVES[index]!);
      if (gradients === 'bf16') expect(gradient).toEqual(gradient.map(roundToBfloat16));
      await sum.add({ first: index, count: 1 }, gradient, { ...totals, samples: 3 });
    }
    const { vector, totals } = sum.root!;
    return { ...totals, gradient: vector };
  }

  const NODES = [
    { first: 0, count: 16 },
    { first: 8, count: 4 },
    { first: 5, count: 1 },
  ];

  it.each([
    ['f32', {}],
    ['bf16', { precision: 'bf16' }],
    ['f32 with nodes of bf16', { gradients: 'bf16' }],
  ] as const)(
    'in %s have the bits of the sum tree on the host, on 1, 2, 4 and 8 devices',
    async (_name, changes) => {
      const spec = { ...SPEC, ...changes };
      const sums = await withProgram(spec, XLA, async (program) => {
        const found = [];
        for (const node of NODES) found.push(await treeSumOf(program, node, spec));
        return found;
      });
      for (const count of [1, 2, 4, 8]) {
        const devices = Array.from({ length: count }, (_, index) => index);
        await withProgram(spec, { ...XLA, devices }, async (program) => {
          for (const [index, node] of NODES.entries()) {
            expect(await nodeOf(program, node)).toEqual(sums[index]);
          }
        });
      }
    },
  );

  it('have the same bits for new parameters, whatever was computed before', async () => {
    const fresh = randomParameters(PARAMETERS.length, 9);
    const [node] = NODES as [LeafRange];
    await withProgram(SPEC, { ...XLA, devices: [0, 1, 2] }, async (program) => {
      const first = await nodeOf(program, node);
      program.setParameters(fresh);
      const second = await nodeOf(program, node);
      expect(second.gradient).not.toEqual(first.gradient);
      expect(second).toEqual(await treeSumOf(program, node));
      program.setParameters(PARAMETERS);
      expect(await nodeOf(program, node)).toEqual(first);
    });
  });

  it('of evaluations have sums and no gradient', async () => {
    const [node] = NODES as [LeafRange];
    await withProgram(SPEC, { ...XLA, devices: [0, 1] }, async (program) => {
      const { gradient, correct, samples, lossSum } = await nodeOf(program, node, 'evaluate');
      let all = 0;
      for (const leaf of LEAVES) all += (await program.evaluate(leaf)).correct;
      expect([gradient, correct, samples]).toEqual([undefined, all, 48]);
      expect(lossSum).toBeGreaterThan(0);
    });
  });

  it('that do not end leave nothing on the devices and change nothing later', async () => {
    const [node] = NODES as [LeafRange];
    await withProgram(SPEC, { ...XLA, devices: [0, 1] }, async (program) => {
      const whole = await nodeOf(program, node);
      const resting = liveHandles();
      program.beginNode({ ...node, numLeaves: 16, kind: 'train' });
      for (const index of [0, 1, 9]) await program.addLeaf(LEAVES[index]!, index);
      expect(liveHandles().buffer).toBeGreaterThan(resting.buffer);
      await expect(program.endNode()).rejects.toThrow(/ends after its last leaf/);
      expect(liveHandles()).toEqual(resting);
      await expect(program.addLeaf(LEAVES[0]!, 0)).rejects.toThrow(/begins before its leaves/);
      program.beginNode({ ...node, numLeaves: 16, kind: 'train' });
      await program.addLeaf(LEAVES[0]!, 0);
      const bad = { ...LEAVES[1]!, labels: new Int32Array(3) };
      await expect(program.addLeaf(bad, 1)).rejects.toThrow(/int32 \[4\] is made of 16 bytes/);
      expect(await nodeOf(program, node)).toEqual(whole);
      expect(liveHandles()).toEqual(resting);
    });
  });
});
