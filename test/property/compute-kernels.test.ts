/**
 * @file Every kernel that can be recorded, against TensorFlow.js's own cpu backend.
 *
 * Method  a small function is run eagerly, and recorded, simplified, lowered in each way, encoded and run by ONNX
 *         Runtime; over random shapes, values and gradients must agree.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORD_KERNELS } from '../../shared/compute/graph/kernels.ts';
import { simplify } from '../../shared/compute/graph/simplify.ts';
import { lowerToOnnx } from '../../shared/compute/lower/onnx.ts';
import { lowerForCpu } from '../../shared/compute/lower/onnxruntime-cpu.ts';
import { expectAgreement, recordFunction, runEagerly, runGraph } from '../support/agreement.ts';
import { buildOf, KERNEL_CASES, type KernelCase } from '../support/kernel-cases.ts';

describe('recorded kernels agree with the eager cpu backend', () => {
  it('every kernel has a case', () => {
    expect(Object.keys(KERNEL_CASES).sort()).toEqual(Object.keys(RECORD_KERNELS).sort());
  });

  it.each(Object.keys(KERNEL_CASES))('%s', async (name) => {
    const agrees = async (test: KernelCase, seed: number) => {
      const { inputs, build } = buildOf(test);
      const want = await runEagerly(inputs, seed, build);
      const graph = await recordFunction(inputs, build);
      for (const model of [lowerForCpu(graph), lowerToOnnx(simplify(graph))]) {
        expectAgreement(await runGraph(model, inputs, seed), want);
      }
    };
    await fc.assert(fc.asyncProperty(KERNEL_CASES[name]!, fc.nat(), agrees), { numRuns: 15 });
  });
});
