/** @file tfjs-node-gpu on an installed TensorFlow, the build for CPUs: gradients, and promises P1 to P3 on real processes. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileProgram, type EngineChoice } from '../../shared/compute/engines/registry.ts';
import type { LeafInputs, Program, ProgramSpec } from '../../shared/compute/program.ts';
import { backboneSize, frozenSize, parameterTable } from '../../shared/model/parameters.ts';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import {
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../support/compute.ts';
import { longIt } from '../support/proofs.ts';
import { lacksTensorflow } from '../support/tensorflow.ts';

const isAbsent = await lacksTensorflow('tfjs-node-gpu on an installed TensorFlow');

const { model } = SMALL_SPEC;
const TENSORFLOW: EngineChoice = { id: 'tfjs-tensorflow', threads: 1 };
const PARAMETERS = randomParameters(parameterTable(model).size, 1);
const LEAF: LeafInputs = {
  ...randomLeaf(SMALL_SPEC, 2),
  noise: { seed: 7, epoch: 3, samples: Int32Array.from([5, 11, 2]) },
  mix: {
    labels: Int32Array.from([4, 0, 1, 2]),
    shares: Float32Array.from([0.3, 1, 0.75, 0.5]),
  },
};

/** What a program computes of the leaf, all of it. */
async function compute(spec: ProgramSpec, choice: EngineChoice) {
  const program: Program = await compileProgram(spec, choice);
  program.setParameters(PARAMETERS);
  const { images } = LEAF;
  const features = await program.features(images);
  const step = await program.train(LEAF);
  const evaluation = await program.evaluate(LEAF);
  const logits = await program.predict(images);
  await program.dispose();
  return { step, evaluation, vectors: [step.gradient, features, logits] };
}

describe.skipIf(isAbsent)('an installed TensorFlow', () => {
  it.each<[string, Partial<ProgramSpec>]>([
    ['the plain step', {}],
    ['without smoothing', { labelSmoothing: 0 }],
    ['dropout', { dropout: 0.2 }],
    ['stochastic depth', { stochasticDepth: 0.5 }],
    ['mixed labels', { mixes: true }],
    ['all of these', { dropout: 0.1, stochasticDepth: 0.3, mixes: true }],
    ['a frozen block', { frozen: frozenSize(model, 'blocks<1') }],
    ['a frozen backbone', { frozen: backboneSize(model) }],
  ])('computes what the oracle computes: %s', async (_, options) => {
    const spec = { ...SMALL_SPEC, ...options };
    const got = await compute(spec, TENSORFLOW);
    const want = await compute(spec, CPU_EAGER);
    for (const [i, vector] of want.vectors.entries()) {
      expect(relativeL2(got.vectors[i] as Float32Array, vector)).toBeLessThanOrEqual(1e-5);
    }
    for (const part of ['step', 'evaluation'] as const) {
      expect(got[part].correct).toBe(want[part].correct);
      expect(got[part].lossSum / want[part].lossSum).toBeCloseTo(1, 5);
    }
  });

  it('keeps no tensor, and is the one TensorFlow of its process', async () => {
    await compute(SMALL_SPEC, TENSORFLOW);
    const before = tf.memory().numTensors;
    const again = await compute(SMALL_SPEC, { ...TENSORFLOW, threads: 2 });
    expect(tf.memory().numTensors).toBe(before);
    expect(again).toEqual(await compute(SMALL_SPEC, TENSORFLOW));
    const program = await compileProgram(SMALL_SPEC, { ...TENSORFLOW, threads: 2 });
    // It has read the number of threads when it was loaded.
    expect(program.description).toMatch(/^tfjs-tensorflow, TensorFlow 2\.\d+\.\d+, threads 1$/);
  });

  // Each of its processes loads 800 MB of library, twice: a trial comes first.
  longIt(
    'ends with the bits of one worker, whoever computes with how many threads, and whoever is killed',
    {
      timeout: 400_000,
    },
    async () => {
      const folder = scratchFolder();
      const settings = ['compute.engine=tfjs-tensorflow', 'training.epochs=1'];
      const run = [...SMALL_RUN, ...settings.flatMap((each) => ['--set', each]), '--json'];
      const one = await tessera([
        ...['train', ...run, '--workers', '1', '--run-folder', join(folder, 'one')],
      ]);
      expect(one.code, one.stderr).toBe(0);
      const { parametersSha256: expected } = JSON.parse(one.stdout);

      const runFolder = join(folder, 'killed');
      const before = new TesseraProcess([
        ...['coordinator', ...run, '--run-folder', runFolder, '--listen', '127.0.0.1:0'],
        ...['--set', 'checkpoint.everySteps=4'],
      ]);
      const address = (await before.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
      const start = (threads: string) =>
        new TesseraProcess(['worker', address, '--threads', threads]);
      const [first, second] = [start('1'), start('2')];
      await statusWhere(address, (s) => s.workers.filter((w) => w.leavesDone > 0).length === 2);
      first?.kill('SIGKILL');
      const third = start('3');
      await statusWhere(address, (s) => s.step >= 7 && s.parametersVersion >= 4);
      before.kill('SIGKILL');
      await before.ended;
      const after = await tessera(['coordinator', '--json', '--resume', runFolder]);
      expect(after.code, after.stderr).toBe(0);
      expect(JSON.parse(after.stdout).parametersSha256).toBe(expected);
      for (const worker of [second, third]) expect((await worker?.ended)?.code).toBe(0);
    },
  );
});
