/** @file Several programs in one process: they neither disturb each other nor leave anything behind. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileProgram, type EngineChoice } from '../../../../shared/compute/engines/registry.ts';
import { record } from '../../../../shared/compute/graph/backend.ts';
import type { ProgramSpec } from '../../../../shared/compute/program.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';

async function start(spec: ProgramSpec, choice: EngineChoice) {
  const program = await compileProgram(spec, choice);
  program.setParameters(randomParameters(parameterTable(spec.model).size, 1));
  return { program, leaf: randomLeaf(spec, 2) };
}

describe('programs of one process', () => {
  it('compile and run at the same time, compiled and eager', async () => {
    const started = await Promise.all([
      start(SMALL_SPEC, CPU_COMPILED),
      start({ ...SMALL_SPEC, microBatch: 2 }, CPU_COMPILED),
      start(SMALL_SPEC, CPU_EAGER),
    ]);
    const [whole, half, eager] = await Promise.all(
      started.map(({ program, leaf }) => program.train(leaf)),
    );
    expect(relativeL2(whole!.gradient, eager!.gradient)).toBeLessThan(1e-5);
    expect(half!.gradient).not.toEqual(whole!.gradient);
    const { program, leaf } = started[0]!;
    expect(await program.train(leaf)).toEqual(whole);
    for (const { program } of started) await program.dispose();
  });

  it('end without compiling what nobody asked for, and end twice', async () => {
    // There is no CUDA here: a session that opened would throw.
    const { program } = await start(SMALL_SPEC, { ...CPU_COMPILED, id: 'onnxruntime-cuda' });
    await program.dispose();
    await program.dispose();
  });

  it('are refused once they ended', async () => {
    const { program, leaf } = await start(SMALL_SPEC, CPU_COMPILED);
    await program.train(leaf);
    await program.dispose();
    await expect(program.train(leaf)).rejects.toThrow(/disposed program/);
  });
});

describe('a recording that fails', () => {
  it('names the kernel that is missing', async () => {
    const recording = record((inputs) => new Map([['y', tf.sin(inputs.input('x', [2]))]]));
    await expect(recording).rejects.toThrow(/Sin/);
  });

  it('says which kind of one-hot rows it records', async () => {
    const recording = record((inputs) => {
      const labels = inputs.input('labels', [2], 'int32') as tf.Tensor1D;
      return new Map([['y', tf.oneHot(labels, 3, 1, 0, 'int32')]]);
    });
    await expect(recording).rejects.toThrow(/one-hot rows are recorded as float32/);
  });

  it('leaves TensorFlow.js as it was', async () => {
    await tf.setBackend('cpu');
    const scopes = () => tf.engine().state.scopeStack.length;
    const before = scopes();
    const recording = record(() => {
      throw new Error('no step');
    });
    await expect(recording).rejects.toThrow('no step');
    expect({ scopes: scopes(), backend: tf.getBackend() }).toEqual({
      scopes: before,
      backend: 'cpu',
    });
  });
});
